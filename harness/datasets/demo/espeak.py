"""Child process that synthesises one sentence: JSON on stdin, a JSON header line and 16-bit PCM on stdout.

eSpeak NG keeps state between utterances (the phase of its wave generator and its random numbers survive even
`espeak_Terminate`), so that only the first utterance of a process has reproducible bytes. Hence one process a sentence.
Interface: eSpeak NG's public header `speak_lib.h`.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 0x0001
_DONT_EXIT = 0x8000
_EVENT_END, _EVENT_PHONEME = 0, 7
_CHARS_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def speak(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Synthesise one utterance; may be called once in a process.

    Args:
        request: `text`, `voice`, `rate` (words a minute), `pitch` and `range` (0..100).

    Returns:
        The header `{"rate": Hz, "phonemes": [[mnemonic, first sample], ...]}` and little-endian int16 samples.
    """
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _PHONEME_EVENTS | _DONT_EXIT)
    if rate <= 0:
        raise RuntimeError(f"espeak_Initialize failed with {rate}")
    pcm = bytearray()
    phonemes: list[list[Any]] = []

    def collect(wave: Any, count: int, events: Any) -> int:
        if count > 0:
            pcm.extend(ctypes.string_at(wave, 2 * count))
        index = 0
        while events[index].type != _EVENT_END:
            if events[index].type == _EVENT_PHONEME:
                phonemes.append([events[index].id.string.decode("utf-8", "replace"), events[index].sample])
            index += 1
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        raise RuntimeError(f"eSpeak NG has no voice {request['voice']!r}")
    for parameter, key in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "range")):
        library.espeak_SetParameter(parameter, int(request[key]), 0)
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    library.espeak_ng_SetRandSeed(1)
    text = request["text"].encode() + b"\0"
    uint, pointer = ctypes.c_uint, ctypes.c_void_p
    library.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, uint, ctypes.c_int, uint, uint, pointer, pointer]
    if library.espeak_Synth(text, len(text), 0, 1, 0, _CHARS_UTF8, None, None) != 0:
        raise RuntimeError("espeak_Synth failed")
    library.espeak_Synchronize()
    return {"rate": rate, "phonemes": phonemes}, bytes(pcm)


if __name__ == "__main__":
    header, samples = speak(json.load(sys.stdin))
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + samples)
