# SPDX-License-Identifier: Apache-2.0
"""Trajectories of diffusers' schedulers over a bent velocity field.

    python tools/goldens/solvers.py tests/goldens/diffusion

Needs torch and diffusers up to 0.36. For each scheduler and 4, 30 and 50 steps: the samples before and after every step, the timesteps and
the shift. `unipc-new` walks the table of diffusers 0.37 and later: there UniPC takes the flow table
shifted after spacing, and moves a first sigma of 1 down by 1e-6.
"""
import pathlib
import sys

import diffusers
import numpy
import torch
from diffusers import (DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler,
                       UniPCMultistepScheduler)
from safetensors.torch import save_file

SEED = 11
SHIFTS = {4: 5.0, 30: 3.0, 50: 8.0}


def velocity(x, t):
    return 0.2 * torch.sin(3 * x) + 0.4 * x + (0.0005 * t - 0.1)


def make(name, shift):
    flow = dict(prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000)
    if name.startswith("unipc"):
        return UniPCMultistepScheduler(flow_shift=shift, **flow)
    if name == "dpm++":
        return DPMSolverMultistepScheduler(algorithm_type="dpmsolver++", solver_type="midpoint",
                                           solver_order=2, flow_shift=shift, **flow)
    return FlowMatchEulerDiscreteScheduler(shift=shift)


def use_new_table(scheduler, steps, shift):
    u = numpy.linspace(1, 0.001, steps + 1)[:-1]
    sigmas = shift * u / (1 + (shift - 1) * u)
    if abs(sigmas[0] - 1) < 1e-6:
        sigmas[0] -= 1e-6
    scheduler.timesteps = torch.from_numpy(sigmas * 1000).to(torch.int64)
    scheduler.sigmas = torch.from_numpy(numpy.concatenate([sigmas, [0]]).astype(numpy.float32))


def trajectory(name, steps, shift, start):
    scheduler = make(name, shift)
    scheduler.set_timesteps(steps)
    if name == "unipc-new":
        use_new_table(scheduler, steps, shift)
    samples = [start]
    for t in scheduler.timesteps:
        v = velocity(samples[-1], float(t))
        samples.append(scheduler.step(v, t, samples[-1], return_dict=False)[0])
    return torch.stack(samples), scheduler.timesteps.to(torch.float64)


def main():
    torch.manual_seed(SEED)
    tensors = {}
    for name in ["unipc", "unipc-new", "dpm++", "euler"]:
        for steps, shift in SHIFTS.items():
            samples, timesteps = trajectory(name, steps, shift, torch.randn(1, 8))
            key = f"{name}.{steps}"
            tensors[f"{key}.samples"] = samples
            tensors[f"{key}.timesteps"] = timesteps
            tensors[f"{key}.shift"] = torch.tensor(shift, dtype=torch.float64)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "solvers.safetensors", {"diffusers": diffusers.__version__, "torch": torch.__version__,
                                "seed": str(SEED)})


if __name__ == "__main__":
    main()
