"""Fits side by side, one process each, whose results are kept on disk: a training run goes on where it was stopped."""

import dataclasses
import hashlib
import json
import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import dataset

# A network is small: several on one core each are faster than one on all.
ONE_THREAD = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Plan:
    """Everything that the fits depend on."""

    data: list
    only: tuple
    spaces: list
    settings: object
    folds: int
    work: Path
    heard: list

    def key(self):
        """Changes with whatever would change a fit; files by size and time."""
        stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in (*self.data, *self.heard)]
        spaces = [dataclasses.asdict(space) for space in self.spaces]
        told = [stamps, self.only, spaces, dataclasses.asdict(self.settings), self.folds]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def labelled(plan):
    """The labelled windows at the network's coarseness, and their soft labels."""
    windows = dataset.load(plan.data, plan.only)
    label = dataset.soft_labels(windows, plan.spaces)
    known = np.isfinite(label).any(axis=1)
    if not known.any():
        raise SystemExit("no song has a label in any of the spaces: does the labels file name the files?")
    return windows.take(known).coarser(plan.settings.coarseness), label[known]


def folds(plan, wanted, jobs, say):
    """Yields (fold, its results) in order, as they come in: leanings of the songs kept aside, and the learning curve."""
    machines = plan.settings.statistics
    tasks = [(kind, k) for k in wanted for kind in (("fold", "machine") if machines else ("fold",))]
    found = {}
    for k, result in kept(plan, tasks, jobs, say):
        if machines and k not in found:
            found[k] = result
            continue
        if machines:
            halves = found[k], result
            # The halves of a model: its networks and its kernel machine.
            result = halves[0] | {name: 0.5 * (halves[0][name] + x) for name, x in halves[1].items()}
        yield k, result


def final(plan, jobs, say):
    """The members fitted to all songs, in order of their seeds, and the kernel machine or None."""
    members = [("final", m) for m in range(plan.settings.members)]
    machines = [("final-machine", 0)] if plan.settings.statistics else []
    found = [one for _, one in kept(plan, members + machines, jobs, say)]
    return found[: len(members)], (found[len(members)] if machines else None)


def kept(plan, tasks, jobs, say):
    """Runs what is not on disk yet and yields (number, result) in order."""
    def path(task):
        return plan.work / f"{task[0]}-{task[1]}-{plan.key()}.pickle"

    missing = [task for task in tasks if not path(task).exists()]
    if len(missing) < len(tasks):
        say(f"{len(tasks) - len(missing)} of {len(tasks)} fits are done already")
    os.environ.update({name: os.environ.get(name, value) for name, value in ONE_THREAD.items()})
    with ProcessPoolExecutor(max(jobs, 1), mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {task: pool.submit(run, plan, task, path(task)) for task in missing}
        try:
            for task in tasks:
                if task in running:
                    running[task].result()
                yield task[1], pickle.loads(path(task).read_bytes())
        except BaseException:
            # What runs is finished and kept, but nothing new is begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run(plan, task, path):
    """In a process of its own: one fit, written whole or not at all."""
    kind, number = task
    result = {"fold": one_fold, "machine": one_machine, "final": one_member, "final-machine": final_machine}[kind](plan, number)
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(result))
    part.replace(path)


def lesson(plan, windows, label, rows):
    """What to fit to, of the songs in `rows`: windows, soft labels and what was heard, the teacher's share in both where there is one."""
    import fitting
    import teacher

    inside, own = windows.take(rows), label[rows]
    if not plan.heard:
        return inside, own, None
    hearing = teacher.hearing(inside, plan.heard, plan.settings.coarseness)
    _, first, of = np.unique(inside.song, return_index=True, return_inverse=True)
    weight = fitting.draws(inside)[first].astype(float)
    judged = teacher.lessons(hearing, own[first], weight, plan.settings.seed)[of]
    part = plan.settings.teacher
    told = np.where(np.isfinite(own), (1 - part) * own + part * judged, judged)
    return inside, told.astype(np.float32), hearing.heard


def members(plan, windows, label, rows, aside, numbers):
    import fitting

    train, told, heard = lesson(plan, windows, label, rows)
    for m in numbers:
        settings = dataclasses.replace(plan.settings, seed=plan.settings.seed + 1000 * m)
        yield fitting.fit(train, told, heard, settings, aside, say=lambda _: None)


def one_fold(plan, k):
    import fitting

    windows, label = labelled(plan)
    test = dataset.folds_by_song(windows, plan.folds, plan.settings.seed) == k
    unseen, settings = windows.take(test), plan.settings
    fitted = list(members(plan, windows, label, ~test, (unseen, label[test]), range(settings.members)))

    def mean_leaning(kept_steps):
        return sum(fitting.leaning(one, unseen, settings, kept_steps) for one in fitted) / len(fitted)

    return at_all_lengths(mean_leaning, settings) | {"curve": [one.curve for one in fitted]}


def at_all_lengths(leaning, settings):
    """{"all": …, "secs1": …}: `leaning` as if so much had been heard."""
    import train

    return {"all": leaning(None)} | {f"secs{s}": leaning(train.steps_heard(s, settings)) for s in train.PROVISIONAL_SECS}


def machine_of(plan, windows, label, rows):
    """A kernel machine fitted to the songs in `rows`, and the scaling it expects."""
    import fitting
    import kernel

    inside, told, _ = lesson(plan, windows, label, rows)
    scaling = dataset.Scaling.of(inside)
    return kernel.fit(inside, told, fitting.draws(inside).astype(float), scaling), scaling


def one_machine(plan, k):
    import fitting
    import kernel

    windows, label = labelled(plan)
    test = dataset.folds_by_song(windows, plan.folds, plan.settings.seed) == k
    machine, scaling = machine_of(plan, windows, label, ~test)
    unseen = windows.take(test)
    return at_all_lengths(
        lambda kept_steps: kernel.leaning(machine, fitting.heard_windows(unseen, kept_steps), scaling), plan.settings
    )


def final_machine(plan, _):
    windows, label = labelled(plan)
    return machine_of(plan, windows, label, np.ones(len(windows), bool))[0]


def one_member(plan, m):
    windows, label = labelled(plan)
    return next(members(plan, windows, label, np.ones(len(windows), bool), None, [m]))
