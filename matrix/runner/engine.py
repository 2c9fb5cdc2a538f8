"""A run: cases on stacks, as a stream of events.

Nothing here prints. Each slot is a thread that keeps one worker process busy. It appends what its
worker observes to a part file; once a stack is done, that is copied to the stack's result file.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from matrix.errors import MatrixError
from matrix.model import Case, Failure, Fingerprint, Observation, Result, canonical
from matrix.results.lines import case_of_line, is_of_case
from matrix.runner.events import (
    CellLost,
    CellsDone,
    Event,
    Failed,
    LinesDropped,
    StackDone,
    StackReady,
    StackUnavailable,
)
from matrix.runner.isolation import alone_in_place, choose_isolation, directories_named
from matrix.runner.options import RunOptions
from matrix.runner.part_files import StackParts
from matrix.runner.scratch import default_scratch, scratch_directory, worker_scratch
from matrix.runner.worker import StackRefused, WorkerDied, WorkerProcess
from matrix.stacks.provision import Provided, Unprovided

_CHUNK = 100
_TICK_SECONDS = 0.2
_STARTS = 3
_STRIKES = {"SIGKILL": 5}
"""How often a worker may die on one case before the case is considered the cause.

The default is twice, since once may be an accident. SIGKILL gets more, because it comes from
outside or from a lack of memory.
"""


@dataclass(kw_only=True)
class _Task:
    """What is left to do on one stack; `kept`: the number of cells kept from an interrupted run.

    `named`: see `directories_named`.
    """

    provided: Provided
    chunks: deque[Sequence[Case]]
    parts: StackParts
    named: frozenset[str]
    kept: int = 0
    fingerprint: Fingerprint | None = None
    under_way: int = 0
    dropped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stack(self) -> str:
        return self.provided.stack.id


class Run:
    """One run over provided stacks. Iterate over `events()`; leaving early kills the workers.

    `parts`: a directory for the part files; cases with observations in them are not run again.
    """

    def __init__(
        self,
        work: Sequence[tuple[Provided | Unprovided, Sequence[Case]]],
        *,
        parts: Path,
        options: RunOptions = RunOptions(),
    ) -> None:
        self.options = options
        self._unprovided = [w for w, _ in work if isinstance(w, Unprovided)]
        self._parts = parts
        self._scratch_parent = options.scratch or default_scratch()
        self._jobs = 1 if options.in_place else options.jobs or os.cpu_count() or 1
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        parts.mkdir(parents=True, exist_ok=True)
        self._damaged = 0
        self._tasks = [self._task(w, cases) for w, cases in work if isinstance(w, Provided)]

    def _task(self, provided: Provided, cases: Sequence[Case]) -> _Task:
        directory = self._parts / provided.stack.id
        directory.mkdir(exist_ok=True)
        parts = StackParts(directory)
        self._damaged += parts.mend()
        done = {case_of_line(line) for line in parts}
        left = [case for case in cases if case.id not in done]
        chunks: deque[Sequence[Case]] = deque(
            left[i : i + _CHUNK] for i in range(0, len(left), _CHUNK)
        )
        return _Task(
            provided=provided,
            chunks=chunks,
            parts=parts,
            named=directories_named(left),
            kept=len(cases) - len(left),
        )

    def events(self) -> Iterator[Event]:
        """Run, and yield events as they happen."""
        for unprovided in self._unprovided:
            yield StackUnavailable(stack=unprovided.stack.id, reason=unprovided.reason)
        if self._damaged:
            yield LinesDropped(count=self._damaged)
        for task in self._tasks:
            if task.kept:
                yield CellsDone(stack=task.stack, count=task.kept)
        with (
            alone_in_place(self.options),
            scratch_directory(self._scratch_parent) as scratch,
        ):
            self.isolation = choose_isolation(self.options, scratch)
            yield from self._run_slots([_Slot(self, scratch / str(n)) for n in range(self._jobs)])

    def _run_slots(self, slots: Sequence[_Slot]) -> Iterator[Event]:
        threads = [threading.Thread(target=slot.work) for slot in slots]
        try:
            for thread in threads:
                thread.start()
            running = len(threads)
            while running:
                event = self._events.get()
                if event is None:
                    running -= 1
                elif isinstance(event, Failed):
                    raise event.error
                else:
                    yield event
        finally:
            self._stopped.set()
            for slot in slots:
                slot.kill()
            for thread in threads:
                thread.join()

    def emit(self, event: Event | None) -> None:
        self._events.put(event)

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def next_task(self, current: _Task | None) -> _Task | None:
        """The stack to work on next: the current one, else an untouched one, else one to share."""
        with self._lock:
            open_tasks = [t for t in self._tasks if not t.dropped and (t.chunks or self._new(t))]
            if current in open_tasks:
                return current
            open_tasks.sort(key=lambda task: task.under_way)
            task = open_tasks[0] if open_tasks else None
            if task is not None:
                task.under_way += 1
            return task

    def leave(self, task: _Task) -> None:
        """A slot leaves a stack; the last one to leave a finished stack emits `StackDone`."""
        with self._lock:
            task.under_way -= 1
            finished = not task.under_way and not task.chunks and not task.dropped
            if finished:
                self._tasks.remove(task)
        if finished and task.fingerprint is not None:
            done = StackDone(stack=task.stack, fingerprint=task.fingerprint, lines=task.parts)
            self.emit(done)

    def take_chunk(self, task: _Task) -> Sequence[Case] | None:
        with self._lock:
            return task.chunks.popleft() if task.chunks and not task.dropped else None

    def welcome(self, task: _Task, fingerprint: Fingerprint) -> None:
        """A worker is ready; the first one of a stack emits its fingerprint."""
        with self._lock:
            first = task.fingerprint is None
            task.fingerprint = fingerprint
        if first:
            self.emit(StackReady(stack=task.stack, fingerprint=fingerprint))

    def drop(self, task: _Task, reason: str) -> None:
        """Give up a stack on which nothing more can run."""
        with self._lock:
            first, task.dropped = not task.dropped, True
        if first:
            self.emit(StackUnavailable(stack=task.stack, reason=reason))

    @staticmethod
    def _new(task: _Task) -> bool:
        """Whether a stack still has to be started, which every one is once, for its fingerprint."""
        return task.fingerprint is None and task.under_way == 0


class _Slot:
    """A thread and its worker process: one stack after the other, one chunk after the other."""

    def __init__(self, run: Run, scratch: Path) -> None:
        self._run = run
        self._scratch = scratch
        self._worker: WorkerProcess | None = None
        self._started = 0
        self._lock = threading.Lock()

    def work(self) -> None:
        try:
            self._work()
        except BaseException as error:
            if not self._run.stopped:
                self._run.emit(Failed(error=error))
        finally:
            self.kill()
            self._run.emit(None)

    def _work(self) -> None:
        task = self._run.next_task(None)
        while task is not None and not self._run.stopped:
            self._start(task)
            while (chunk := self._run.take_chunk(task)) is not None:
                self._perform(task, deque(chunk))
            following = self._run.next_task(task)
            if following is not task:
                self._stop()
                self._run.leave(task)
            task = following

    def kill(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()

    def _start(self, task: _Task) -> WorkerProcess | None:
        """A worker for this stack; None if the stack turns out to be unavailable."""
        reason = ""
        for _ in range(_STARTS):
            if self._worker is not None or self._run.stopped:
                return self._worker
            worker = None
            try:
                worker = self._launch(task)
                fingerprint = worker.ready()
            except StackRefused as refusal:
                self.kill()
                again, reason = reason, str(refusal)
                if again == reason:
                    break
            except WorkerDied as death:
                words = worker.last_words() if worker is not None else ""
                reason = f"{death.how}{': ' + words if words else ''}"
                self.kill()
            else:
                self._run.welcome(task, fingerprint)
                return worker
        self._run.drop(task, reason)
        return None

    def _launch(self, task: _Task) -> WorkerProcess:
        self._started += 1
        scratch = worker_scratch(self._scratch, self._started)
        worker = WorkerProcess(
            task.provided, scratch=scratch, isolation=self._run.isolation, named=task.named
        )
        with self._lock:
            self._worker = worker
        return worker

    def _stop(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _perform(self, task: _Task, cases: deque[Case]) -> None:
        """Run the cases, and start a new worker whenever one dies."""
        strikes: Counter[str] = Counter()
        while cases and not self._run.stopped:
            worker = self._start(task)
            if worker is None:
                return
            try:
                ended = self._serve(task, worker, cases)
            except WorkerDied as death:
                ended = (Result.CRASHED, death.how)
            if ended is None:
                continue
            self.kill()
            if self._run.stopped or not cases:
                return
            strikes[cases[0].id] += 1
            if strikes[cases[0].id] >= _STRIKES.get(ended[1], 2):
                self._give_up(task, cases.popleft(), *ended)

    def _serve(
        self, task: _Task, worker: WorkerProcess, cases: deque[Case]
    ) -> tuple[Result, str] | None:
        """Send the cases and drop the finished ones; how the worker failed, or None."""
        try:
            worker.send_cases(tuple(cases))
            waited = 0.0
            while (message := worker.receive(_TICK_SECONDS)) is None:
                waited = 0.0 if self._take(task, worker, cases) else waited + _TICK_SECONDS
                if waited > self._run.options.timeout:
                    worker.kill()
                    return Result.TIMED_OUT, f"no answer within {self._run.options.timeout:g} s"
        finally:
            self._take(task, worker, cases)
        if message["kind"] == "broken":
            raise MatrixError(f"{message['case']} on {task.stack}: {message['message']}")
        if message["kind"] == "dirty":
            self._stop()
        return None

    def _take(self, task: _Task, worker: WorkerProcess, cases: deque[Case]) -> int:
        """Keep what the worker has observed since the last time, and return the number of cells."""
        lines = worker.take_observations()
        due = zip(lines, cases, strict=False)
        kept = list(takewhile(lambda pair: is_of_case(pair[0], pair[1].id), due))
        if kept:
            self._keep(task, [line for line, _ in kept])
        for _ in kept:
            cases.popleft()
        if len(kept) < len(lines):
            raise WorkerDied("answered for a case that was not its turn")
        return len(kept)

    def _keep(self, task: _Task, lines: Sequence[bytes]) -> None:
        task.parts.append(self._scratch.name, lines)
        self._run.emit(CellsDone(stack=task.stack, count=len(lines)))

    def _give_up(self, task: _Task, case: Case, result: Result, how: str) -> None:
        observation = Observation(
            case=case.id,
            stack=task.stack,
            result=result,
            error=Failure(phase="process", type=result.value, message=how),
        )
        self._keep(task, [canonical(observation.to_json()).encode()])
        self._run.emit(CellLost(stack=task.stack, case=case.id, how=how))
