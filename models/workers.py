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

# What a fit is made by: another text is another fit.
SOURCES = ("augment.py", "dataset.py", "fitting.py", "kernel.py", "network.py", "teacher.py", "workers.py")
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
        """Changes with whatever would change a fit: data by size and time, settings, and our own code."""
        stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in (*self.data, *self.heard)]
        spaces = [dataclasses.asdict(space) for space in self.spaces]
        code = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in SOURCES]
        told = [code, stamps, self.only, spaces, dataclasses.asdict(self.settings), self.folds]
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
    yield from kept(plan, [("fold", k) for k in wanted], jobs, say)


def final(plan, jobs, say):
    """The members fitted to all songs, in order of their seeds, and the kernel machine or None."""
    members = [("final", m) for m in range(plan.settings.members)]
    machines = [("machine", 0)] if plan.settings.statistics else []
    found = [one for _, one in kept(plan, members + machines, jobs, say)]
    return found[: len(members)], (found[len(members)] if machines else None)


def kept(plan, tasks, jobs, say):
    """Runs what is not on disk yet and yields (number, result) in order."""
    key = plan.key()

    def path(task):
        return plan.work / f"{task[0]}-{task[1]}-{key}.pickle"

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
    result = {"fold": one_fold, "final": one_member, "machine": one_machine}[kind](plan, number)
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


def member(plan, told, aside, m):
    """One network, fitted to what `lesson` gives."""
    import fitting

    settings = dataclasses.replace(plan.settings, seed=plan.settings.seed + 1000 * m)
    return fitting.fit(*told, settings, aside, say=lambda _: None)


def machine_of(plan, windows, label):
    """A kernel machine fitted to what `lesson` gives."""
    import fitting
    import kernel

    weight = fitting.draws(windows).astype(float)
    return kernel.fit(windows, label, weight, dataset.Scaling.of(windows), plan.settings.recency)


def one_fold(plan, k):
    """Networks and kernel machine fitted to all songs but a fold's, and what they say of those."""
    import fitting

    windows, label = labelled(plan)
    test = dataset.folds_by_song(windows, plan.folds, plan.settings.seed) == k
    unseen, settings = windows.take(test), plan.settings
    told = lesson(plan, windows, label, ~test)
    fitted = [member(plan, told, (unseen, label[test]), m) for m in range(settings.members)]
    machine = machine_of(plan, *told[:2]) if settings.statistics else None

    leaning = {secs: fitting.model_leaning(fitted, machine, unseen, settings, secs) for secs in (None, *unseen.heard_secs)}
    return {"leaning": leaning, "curve": [one.curve for one in fitted]}


def all_songs(plan):
    """What to fit the model to that is written."""
    windows, label = labelled(plan)
    return lesson(plan, windows, label, np.ones(len(windows), bool))


def one_member(plan, m):
    return member(plan, all_songs(plan), None, m)


def one_machine(plan, _):
    return machine_of(plan, *all_songs(plan)[:2])
