"""Scripts: generators that wait. SimPy keeps the time; a script sees only what it yielded for.

A `Wait` is what a script yields; a `Script` is a running generator, and itself something to wait for. Whatever wakes
at one instant wakes in the order of its account's rank, a hash, so that the order of creation decides nothing.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import PENDING, Event

from slashpoint.sim.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    Steps = Generator[Event, Any, Any]


class Clock(simpy.Environment):
    """SimPy's environment on whole nanoseconds of Unix time."""

    @property
    def now(self) -> int:
        """Return the present time, nanoseconds."""
        return self._now  # type: ignore[return-value] # it began with a whole number, and all delays are whole

    def deliver(self, event: Event, rank: int, delay: int) -> int:
        """Schedule an event after `delay` nanoseconds, among others of that instant by rank; returns when that is.

        Args:
            event: what happens.
            rank: what breaks ties, of whom it is delivered to.
            delay: from now, nanoseconds.
        """
        due: int = self._now + delay  # type: ignore[assignment] # whole
        heappush(self._queue, (due, rank, next(self._eid), event))  # type: ignore[misc] # any whole number orders
        return due

    def live(self, until: int) -> None:
        """Deliver all that is due before `until` (nanoseconds), which is then.

        A faster `Environment.run(until)`: it inlines SimPy's `step` and leaves out its handling of failed events,
        because a failing script raises immediately.
        """
        queue = self._queue
        while queue and queue[0][0] < until:
            self._now, _, _, event = heappop(queue)
            listeners, event.callbacks = event.callbacks, None  # type: ignore[assignment] # what SimPy has of it
            for listener in listeners:
                listener(event)
        self._now = until


class Device(simpy.Resource):
    """One thing that one may use at a time, first come first served."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, 1)


class Wait(Event):
    """Something that will have a value later. `cancel` it and nobody hears of it."""

    __slots__ = ("due", "rank")
    env: Clock
    _value: Any
    callbacks: Any  # a list, and None once delivered

    def __init__(self, env: Clock, rank: int) -> None:
        self.env, self.rank, self.callbacks, self._value = env, rank, [], PENDING  # the last two are the parent's
        self.due: int | None = None  # when it is delivered, once that is known

    def fire(self, value: Any, delay: int = 0) -> None:
        """Deliver `value` after `delay` nanoseconds.

        Args:
            value: what whoever waits gets.
            delay: from now, nanoseconds.
        """
        self._ok, self._value = True, value
        self.due = self.env.deliver(self, self.rank, delay)

    @property
    def arrived(self) -> bool:
        """Return whether its value has been, or is being, delivered at this instant."""
        return self.due is not None and self.due <= self.env.now

    def cancel(self) -> None:
        """Stop waiting: nobody will hear of it any more."""
        if self.callbacks:
            self.callbacks.clear()


class Sleep(Wait):
    """A wait for a moment in time."""

    __slots__ = ()

    def __init__(self, env: Clock, rank: int, at: int) -> None:
        super().__init__(env, rank)
        self.fire(None, max(0, at - env.now))


class First(Wait):
    """The first of several waits: `(name, value)`; `("late", None)` when `by` passes.

    Of those that arrive in the same instant the first as written wins. The losers are cancelled.
    """

    __slots__ = ("timer", "waits")

    def __init__(self, env: Clock, rank: int, waits: Mapping[str, Event], by: int | None) -> None:
        super().__init__(env, rank)
        for name, wait in waits.items():
            if not isinstance(wait, Event):
                raise TypeError(
                    f"first({name}=…) takes something to wait for, not {type(wait).__name__}; spawn a script"
                )
        self.waits = waits
        self.timer: Sleep | None = None
        for wait in waits.values():
            if wait.processed:
                self._settle(wait)
                return
            wait.callbacks.append(self._settle)
        if by is not None:
            self.timer = Sleep(env, rank, by)
            self.timer.callbacks.append(self._late)

    def _settle(self, _: Event) -> None:
        if self._value is not PENDING:
            return
        won = next(name for name, wait in self.waits.items() if has_arrived(wait))
        value = self.waits[won].value
        self._drop(keep=won)
        self.fire((won, value))

    def _late(self, _: Event) -> None:
        if self._value is PENDING:
            self._drop()
            self.fire(("late", None))

    def _drop(self, keep: str | None = None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        for name, wait in self.waits.items():
            if name != keep:
                drop(wait, self._settle)

    def cancel(self) -> None:
        """Stop waiting for all of them."""
        super().cancel()
        if self._value is PENDING:
            self._drop()
        else:
            for wait in self.waits.values():  # decided but not delivered: an inbox takes its fact back
                drop(wait, self._settle)


def has_arrived(wait: Event) -> bool:
    """Return whether a wait's value is there to be read."""
    return wait.processed or (wait.arrived if isinstance(wait, Wait) else False)


def drop(wait: Event, listener: Any) -> None:
    """Stop listening to a wait, and cancel it where nobody else listens.

    Args:
        wait: what is waited for.
        listener: who no longer does.
    """
    if not wait.processed and listener in wait.callbacks:
        wait.callbacks.remove(listener)
    if isinstance(wait, Wait) and not wait.callbacks:
        wait.cancel()


class Script(Wait):
    """A running generator of waits, with the scripts that it started; its value is what the generator returns.

    It is `live` until it returns, fails or is cancelled.
    """

    __slots__ = ("_steps", "_waiting", "children", "live", "name")

    def __init__(self, env: Clock, rank: int, steps: Steps, name: str, parent: Script | None = None) -> None:
        super().__init__(env, rank)
        if not hasattr(steps, "send"):
            raise TypeError(f"{name} is no script: a script is a generator, so it yields at least once")
        self._steps, self.name, self.live = steps, name, True
        self.children: list[Script] = []
        if parent is not None:
            parent.adopt(self)
        start = Sleep(env, rank, env.now)
        start.callbacks.append(self._resume)
        self._waiting: Event | None = start

    def adopt(self, child: Script) -> None:
        """Own a child: it ends with this scope when this scope is cancelled."""
        if len(self.children) > 16:
            self.children = [script for script in self.children if script.live]
        self.children.append(child)

    def _resume(self, event: Event) -> None:
        self._waiting = None
        try:
            while True:
                wait = self._steps.send(event.value)
                if not self.live:  # it cancelled itself, and goes no further than this
                    drop(wait, None)
                    self._steps.close()
                    return
                if not isinstance(wait, Event):
                    raise TypeError(f"yielded {wait!r}, which nothing can wait for (did you mean `yield from`?)")  # noqa: TRY301
                if not wait.processed:
                    self._waiting = wait
                    wait.callbacks.append(self._resume)
                    return
                event = wait  # delivered long ago: go on at once
        except StopIteration as end:
            self.live = False
            self.fire(end.value)
        except Stopped:
            raise
        except BaseException as error:
            self.live = False
            error.add_note(f"in {self.name} at t={self.env.now / 10**9:.3f}")
            raise

    def cancel(self) -> None:
        """Stop the script and all that it started; what was used until now is charged by whoever used it."""
        super().cancel()
        if not self.live:
            return
        self.live = False
        if self._waiting is not None:
            drop(self._waiting, self._resume)
        for child in self.children:
            child.cancel()
        if not getattr(self._steps, "gi_running", False):
            self._steps.close()
