"""The table of released Wan models, and descriptions of others in model folders.

A new autoregressive Wan is a `Release`, not code: `dataclasses.replace(RELEASES["self-forcing"],
name="mine", window=9)`, or a `dragstream.json` in its folder, `{"like": "self-forcing"}`.
Comments name the source of each constant. What no source says is marked as a choice of this
package: mostly the tapped layers of other sizes than the paper's, and the memory beyond the length
that a model was trained for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dragstream.drags.checks import check_choice
from dragstream.drags.files import expanded
from dragstream.drags.reading import located
from dragstream.models.config_files import read_json
from dragstream.models.wan.release import Guidance, Release

NOTE = "dragstream.json"
"""The file name of a model folder's release description."""

_WAN = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
_WAN_14B = "Wan-AI/Wan2.1-T2V-14B-Diffusers"
_WAN_22 = "Wan-AI/Wan2.2-TI2V-5B-Diffusers"

_CAUSAL_FORCING = "zhuhz22/Causal-Forcing"

_FOUR = (1000.0, 750.0, 500.0, 250.0)
"""The four steps of Self-Forcing, before the shift."""

_FRAMEWISE = Release(
    "", "", _WAN, ema=True, frames_per_block=1, window=21, sink=3
)  # READMEs infer the frame-wise models with --use_ema; the memory is that of Self-Forcing
_ONE_STEP = replace(
    _FRAMEWISE,
    timesteps=(1000.0,),  # configs/causal_forcing_dmd_framewise_1step.yaml
    first_timesteps=_FOUR,
    denoising_step=0,  # the only one
)

RELEASES: dict[str, Release] = {
    release.name: release
    for release in (
        Release(
            "self-forcing",
            "Self-Forcing: four steps, a rolling window",
            _WAN,
            repository="gdhe17/Self-Forcing",
            file="checkpoints/self_forcing_dmd.pt",
            ema=True,  # its README infers with --use_ema
            window=21,  # window and sink: DragStream's configuration
            sink=3,
        ),
        Release(
            "causal-forcing",
            "Causal Forcing: Self-Forcing's procedure with other weights",
            _WAN,
            repository=_CAUSAL_FORCING,
            file="chunkwise/causal_forcing.pt",
            ema=False,  # its README infers the chunk-wise model without --use_ema
            # The authors stop at 21 latent frames; the memory beyond is that of Self-Forcing here.
            window=21,
            sink=3,
        ),
        replace(
            _FRAMEWISE,
            name="causal-forcing-framewise",
            summary="Causal Forcing, one latent frame a block",
            repository=_CAUSAL_FORCING,
            file="framewise/causal_forcing.pt",
        ),
        replace(
            _FRAMEWISE,
            name="causal-forcing-2step",
            summary="Causal Forcing++: one latent frame a block, two steps",
            repository=_CAUSAL_FORCING,
            file="causal-forcing++/framewise-2step.pt",
            # configs/causal_forcing_dmd_framewise_2step.yaml: denoising_step_list, and
            # denoising_step_list_first_chunk
            timesteps=(1000.0, 500.0),
            first_timesteps=_FOUR,
        ),
        replace(
            _ONE_STEP,
            name="causal-forcing-1step",
            summary="Causal Forcing++: one latent frame a block, one step",
            repository=_CAUSAL_FORCING,
            file="causal-forcing++/framewise-1step.pt",
        ),
        replace(
            _ONE_STEP,
            name="one-forcing",
            summary="One-Forcing: one latent frame a block, one step",
            repository="JiaqiFeng/OneForcing",
            file="checkpoints/one_forcing.pt",
            ema=False,  # scripts/infer.sh: USE_EMA=0, and the steps; the sink is a choice
        ),
        replace(
            _FRAMEWISE,
            name="self-gradient-forcing",
            summary="Self Gradient Forcing: one latent frame a block, long videos",
            repository="JunhaoZhuang/Self_Gradient_Forcing",
            file="framewise/ar/model.pt",
            sink=4,  # its README: 4 sink frames, 16 in the queue, and the current one; EMA weights
        ),
        Release(
            "self-gradient-forcing-chunkwise",
            "Self Gradient Forcing: three latent frames a block, long videos",
            _WAN,
            repository="JunhaoZhuang/Self_Gradient_Forcing",
            file="chunkwise/ar/model.pt",
            ema=True,
            window=12,  # its README: 3 sink frames, 6 in the queue, and 3 current ones
            sink=3,
        ),
        Release(
            "reward-forcing",
            "Reward Forcing: four steps, a sink that averages what leaves the window",
            _WAN,
            repository="JaydenLu666/Reward-Forcing-T2V-1.3B",
            file="rewardforcing.pt",
            ema=True,  # which weights its authors use is unknown
            # As the integration in daydreamlive/scope has them: local_attn_size, sink_size,
            # compression_alpha
            window=12,
            sink=3,
            sink_decay=0.999,
        ),
        Release(
            "longlive",
            "LongLive: long videos, prompts that change on the way",
            _WAN,
            repository="Efficient-Large-Model/LongLive-1.3B",
            file="models/longlive_base.pt",
            ema=False,  # its inference config: use_ema: false
            lora="models/lora.pt",
            window=12,
            sink=3,
            recached=True,
        ),
        Release(
            "longlive-2.0",
            "LongLive 2.0, 5B: 1280 x 704, four steps of a solver, long videos",
            _WAN_22,
            repository="Efficient-Large-Model/LongLive-2.0-5B",
            file="model_bf16.pt",
            # Public integrations of its pipeline: sampling_steps, timestep_shift,
            # num_frame_per_block, local_attn_size, sink_size
            solver_steps=4,
            shift=5.0,
            frames_per_block=8,
            window=32,
            sink=8,
            height=704,
            width=1280,
            frame_rate=24.0,  # its README
            download_gb=10.0,
        ),
        Release(
            "krea-realtime",
            "Krea Realtime, 14B: four steps, a short cache that is computed anew",
            _WAN_14B,
            repository="krea/krea-realtime-video",
            file="krea-realtime-video-14b.safetensors",
            # Its modular pipeline: the steps of Self-Forcing, already shifted and rounded
            timesteps=(1000.0, 937.0, 833.0, 625.0),
            warped=False,
            # kv_cache_num_frames: each block sees the three frames before it, whose keys and values
            # are computed anew under the current prompt, the first from its encoded video frame.
            limit=6,
            overlap=3,
            recached=True,
            layers=(16, 17, 18, 19),  # of 40: a choice, the paper's depth of 12 to 15 of 30
            download_gb=28.6,
        ),
        Release(
            "causvid",
            "CausVid: three steps, restarts every 21 latent frames",
            _WAN,
            repository="tianweiy/CausVid",
            file="autoregressive_checkpoint/model.pt",
            timesteps=(1000.0, 757.0, 522.0),
            shift=8.0,
            warped=False,
            limit=21,
            overlap=3,
        ),
        Release(
            "wan2.1",
            "Wan 2.1: bidirectional, a clip of 21 latent frames in one block",
            _WAN,
            frames_per_block=21,
            guidance=Guidance(),
        ),
        Release(
            "wan2.2-5b",
            "Wan 2.2 TI2V, 5B: bidirectional, a clip of 31 latent frames in one block",
            _WAN_22,
            frames_per_block=31,  # 121 video frames at 24 a second: its model card
            guidance=Guidance(),  # 50 steps, scale 5; the shift of 5 is in the scheduler's folder
            height=704,
            width=1280,
            frame_rate=24.0,
            download_gb=20.0,
        ),
    )
}
"""The released models by name."""


def read_note(folder: str | Path) -> Release | None:
    """Read the release described in a folder's `dragstream.json`; None without that file."""
    path = expanded(folder, "folder") / NOTE
    if not path.is_file():
        return None
    with located(f"{path} does not describe a model", TypeError, ValueError):
        fields = read_json(path)
        like = check_choice(fields.pop("like", "self-forcing"), RELEASES, "like")
        return RELEASES[like].changed(fields)
