from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.serialization.array_pickle import read_array_pickle, read_torchscript
from bench_lipsync.harness.serialization.weights import RefusedFileError


class Hostile:
    """Runs a command when it is unpickled by anything careless."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (os.mkdir, (str(self.trace),))


def test_reads_nested_arrays(tmp_path: Path) -> None:
    tree = {"Conv_0": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(3, ">f8")}}
    path = tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps(tree, protocol=3))
    arrays = read_array_pickle(path)
    assert list(arrays) == ["Conv_0.kernel", "Conv_0.bias"]
    np.testing.assert_array_equal(arrays["Conv_0.kernel"], tree["Conv_0"]["kernel"])


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_reads_what_either_numpy_wrote(tmp_path: Path, module: str) -> None:
    body = pickle.dumps({"a": np.arange(3.0)}, protocol=3)
    written = b"numpy._core.multiarray" if b"numpy._core.multiarray" in body else b"numpy.core.multiarray"
    path = tmp_path / "a.ckpt"
    path.write_bytes(body.replace(written, module.encode()))
    np.testing.assert_array_equal(read_array_pickle(path)["a"], np.arange(3.0))


@pytest.mark.parametrize("where", ["top", "in a dict", "in an object array"])
def test_hostile_pickle_runs_nothing(tmp_path: Path, where: str) -> None:
    trace = tmp_path / "ran"
    bad = Hostile(trace)
    tree: object = {"top": bad, "in a dict": {"a": bad}, "in an object array": {"a": np.array([bad], object)}}[where]
    path = tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps(tree))
    with pytest.raises(RefusedFileError, match="nothing in it was run"):
        read_array_pickle(path)
    assert not trace.exists()
    # The same bytes do run where nobody is careful: the test tests something.
    pickle.loads(path.read_bytes())  # noqa: S301
    assert trace.exists()


@pytest.mark.parametrize("tree", [[np.zeros(1)], {"a": "text"}, {"a": np.array(["text"])}, {"a": np.array([None])}])
def test_anything_but_numbers_is_refused(tmp_path: Path, tree: object) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps(tree))
    with pytest.raises(RefusedFileError):
        read_array_pickle(path)


def test_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    for content in (b"", b"\x80\x04", b"not a pickle", os.urandom(100)):
        path.write_bytes(content)
        with pytest.raises(RefusedFileError):
            read_array_pickle(path)
        with pytest.raises(RefusedFileError):
            read_torchscript(path)


def test_reads_torchscript_as_torch_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.Linear(4, 2).requires_grad_(False))
    network[1].weight = torch.nn.Parameter(torch.arange(20.0).reshape(4, 5)[:2, 1:])  # a view with strides
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(network), str(path))
    arrays = read_torchscript(path)
    expected = network.state_dict()
    assert list(arrays) == list(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(arrays[key], value.numpy())


def test_hostile_torchscript_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    path = tmp_path / "net.pt"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("net/data.pkl", pickle.dumps(Hostile(trace)))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(RefusedFileError, match="mkdir"):
        read_torchscript(path)
    assert not trace.exists()


def test_torchscript_tensor_outside_its_storage_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path, changed = tmp_path / "net.pt", tmp_path / "changed.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2, bias=False)), str(path))
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for item in old.infolist():
            body = old.read(item)
            new.writestr(item.filename, body[:-4] if "/data/" in item.filename else body)
    with pytest.raises(RefusedFileError):
        read_torchscript(changed)
