"""What each of the described repositories looks like from outside, for `standins/repository.py`: options and files.

Options that our descriptions do not use are here as well: they are the repositories', not ours.
"""

from __future__ import annotations

from typing import Any

FLAG, ONE = 0, 1


def options(words: str) -> dict[str, int]:
    """`--a --b=0 --c=4`: the number of values behind each, one where nothing is said."""
    pairs = (word.partition("=") for word in words.split())
    return {name: int(count) if count else ONE for name, _, count in pairs}


def program(habit: str, words: str, **more: Any) -> dict[str, Any]:
    return {"habit": habit, "options": options(words), **more}


_LATENTSYNC = program(
    "edit",
    "--unet_config_path --inference_ckpt_path --inference_steps --guidance_scale --video_path --audio_path "
    "--video_out_path --seed --enable_deepcache=0 --temp_dir",
    video="video_path",
    audio="audio_path",
    writes="{video_out_path}",
    loads=["--inference_ckpt_path", "checkpoints/whisper/tiny.pt"],
    needs=["seed"],
)

REPOSITORIES: dict[str, dict[str, dict[str, Any]]] = {
    "wav2lip-original": {
        "inference.py": program(
            "edit",
            "--checkpoint_path --face --audio --outfile --static --fps --pads=4 --face_det_batch_size "
            "--wav2lip_batch_size --resize_factor --crop=4 --box=4 --rotate=0 --nosmooth=0",
            video="face",
            audio="audio",
            writes="{outfile}",
            loads=["--checkpoint_path", "face_detection/detection/sfd/s3fd.pth", "temp"],
        )
    },
    "makeittalk": {
        "main_end2end.py": program(
            "animate",
            "--jpg --close_input_face_mouth=0 --load_AUTOVC_name --amp_lip_x --amp_lip_y --amp_pos --output_folder",
            picture="jpg",
            below="examples",
            speech="examples/speech.wav",
            side=256,
            panels=3,
            rate="125/2",
            writes="examples/{jpg_stem}_pred_fls_speech_audio_embed.mp4",
            loads=["examples/ckpt/ckpt_autovc.pth", "examples/dump/emb.pickle"],
        )
    },
    "pc-avs": {
        "scripts/prepare_testing_files.py": program(
            "pcavs-list",
            "--dir_path --src_pose_path --src_audio_path --src_mouth_frame_path --src_input_path --csv_path "
            "--convert_spectrogram=0",
        ),
        "inference.py": program(
            "pcavs",
            "--name --meta_path_vox --dataset_mode --netG --netA --netA_sync --netD --netV --netE --model --gpu_ids "
            "--clip_len --batchSize --style_dim --nThreads --input_id_feature=0 --generate_interval "
            "--style_feature_loss=0 --use_audio --noise_pose=0 --driving_pose=0 --gen_video=0 "
            "--generate_from_audio_only=0",
        ),
    },
    "atvg": {
        "code/demo.py": program(
            "animate",
            "--batch_size --cuda --lstm --vg_model --at_model --sample_dir --in_file --data_path --person --save_name "
            "--device_ids --num_thread",
            picture="person",
            audio="in_file",
            side=128,
            cuts=True,
            loses=1,
            writes="{sample_dir}/{save_name}.mov",
            loads=["--vg_model", "--at_model", "../basics/shape_predictor_68_face_landmarks.dat", "../image"],
        )
    },
    "audio2head": {
        "inference.py": program(
            "animate",
            "--audio_path --img_path --save_path --model_path",
            picture="img_path",
            audio="audio_path",
            side=256,
            writes="{save_path}/{img_path_stem}_{audio_path_stem}.mp4",
            loads=["--model_path", "results"],
        )
    },
    "videoretalking": {
        "inference.py": program(
            "edit",
            "--DNet_path --LNet_path --ENet_path --face3d_net_path --face --audio --exp_img --outfile --fps --pads=4 "
            "--face_det_batch_size --LNet_batch_size --img_size --crop=4 --box=4 --nosmooth=0 --static=0 --up_face "
            "--one_shot=0 --without_rl1=0 --tmp_dir --re_preprocess=0",
            video="face",
            audio="audio",
            writes="{outfile}",
            loads=["checkpoints/DNet.pt", "checkpoints/GPEN-BFR-512.pth"],
        )
    },
    "sadtalker": {
        "inference.py": program(
            "animate",
            "--driven_audio --source_image --ref_eyeblink --ref_pose --checkpoint_dir --result_dir --pose_style "
            "--batch_size --size --expression_scale --enhancer --background_enhancer --cpu=0 --still=0 --preprocess "
            "--verbose=0 --old_version=0",
            picture="source_image",
            audio="driven_audio",
            side=256,
            cuts=True,
            writes="{result_dir}/2026_01_02_03.04.05.mp4",
            loads=["--ref_pose", "--ref_eyeblink", "checkpoints/mapping_00109-model.pth.tar"],
        )
    },
    "styleheat": {
        "inference.py": program(
            "animate",
            "--config --name --from_dataset=0 --cross_id=0 --image_source --video_source --audio_path --output_dir "
            "--inversion_option --frame_limit --batch_size --if_extract=0 --if_align=0",
            picture="image_source",
            audio="audio_path",
            side=1024,
            cuts=True,
            sound=False,
            writes="{output_dir}/{image_source_stem}.mp4",
            loads=["checkpoints/StyleHEAT_visual.pt", "checkpoints/Deep3D/epoch_20.pth"],
        )
    },
    "ip-lap": {
        "inference_single.py": program(
            "edit",
            "--input --audio --output_dir --static --landmark_gen_checkpoint_path --renderer_checkpoint_path",
            video="input",
            audio="audio",
            sketch=True,
            loses=4,
            writes="{output_dir}/{input_stem}result_N_25_Nl_15.mp4",
            loads=["--landmark_gen_checkpoint_path", "--renderer_checkpoint_path"],
        )
    },
    "talklip": {
        "inf_demo.py": program(
            "edit",
            "--video_path --wav_path --save_path --ckpt_path --avhubert_root --check --ffmpeg --device",
            video="video_path",
            audio="wav_path",
            writes="{save_path}.mp4",
            loads=["--ckpt_path", "face_detection/detection/sfd/s3fd.pth"],
            needs=["avhubert_root"],
        )
    },
    "dinet": {
        "inference.py": program(
            "edit",
            "--mouth_region_size --source_video_path --source_openface_landmark_path --driving_audio_path "
            "--pretrained_clip_DINet_path --deepspeech_model_path --res_video_dir",
            video="source_video_path",
            audio="driving_audio_path",
            landmarks="source_openface_landmark_path",
            writes="{res_video_dir}/{source_video_path_stem}_facial_dubbing_add_audio.mp4",
            loads=["--pretrained_clip_DINet_path", "--deepspeech_model_path"],
        )
    },
    "diff2lip": {
        "generate.py": program(
            "edit",
            "--attention_resolutions --class_cond --learn_sigma --num_channels --num_head_channels --num_res_blocks "
            "--resblock_updown --use_fp16 --use_scale_shift_norm --predict_xstart --diffusion_steps --noise_schedule "
            "--rescale_timesteps --sampling_seed --sampling_input_type --sampling_ref_type --timestep_respacing "
            "--use_ddim --model_path --nframes --nrefer --image_size --sampling_batch_size --face_hide_percentage "
            "--use_ref --use_audio --audio_as_style --generate_from_filelist --video_path --audio_path --out_path "
            "--save_orig --face_det_batch_size --pads --is_voxceleb2 --test_video_dir --filelist --sample_path",
            video="video_path",
            audio="audio_path",
            loses=3,
            writes="{out_path}",
            loads=["--model_path"],
        )
    },
    "musetalk": {
        "scripts/inference.py": program(
            "tasks",
            "--inference_config --result_dir --unet_model_path --unet_config --version --use_float16=0 --batch_size "
            "--extra_margin --parsing_mode --left_cheek_width --right_cheek_width --bbox_shift --fps --output_vid_name",
            loads=["--unet_model_path", "--unet_config", "models/dwpose/dw-ll_ucoco_384.pth"],
        )
    },
    "latentsync-1.5": {"scripts/inference.py": _LATENTSYNC},
    "latentsync-1.6": {"scripts/inference.py": _LATENTSYNC},
    "stylelipsync-official": {
        "run_demo.py": program(
            "stylelipsync",
            "--audio_path --person --ckpt --w_avg_path --res_dir --rank",
            loads=["--ckpt", "--w_avg_path"],
        )
    },
}
"""By the name of the description: script -> program."""
