"""Roles of the communal forest: who orders a model, who gives records, who trains and answers, who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Keeper, Poster, Server
from slashpoint.protocols.forest import reports, trees
from slashpoint.protocols.forest.books import REQUESTED, SCALE, TRAIN
from slashpoint.protocols.forest.market import CommunalForest, algorithm
from slashpoint.protocols.forest.terms import NONE, ON_CHAIN
from slashpoint.sim.learning import forests
from slashpoint.sim.market import Subject, Work

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.protocols.forest.reports import Report
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job

    Steps = Generator[Any, Any, Any]

PATIENCE = 3  # blocks that a worker gives another who is to answer first


class Steward(Poster[CommunalForest]):
    """Orders a communal model, and pays for its trainings."""

    def commission(self, me: Me, number: int) -> Steps:
        """One model, from its call for records to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        problem, _ = me.tasks(number)
        job = self.market.draft(me, problem)
        receipt = yield me.sends(self.market.posts(job))
        if receipt.ok:
            yield me.sees(self.market.ModelClosed, job=job)
            yield from self.collect(me, job)


class Contributor(Server[CommunalForest]):
    """Hands its records in, a packet an epoch, and may have them forgotten."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One model, from its first epoch to its end."""
        market = self.market
        if not (yield from self.ask(me, "enter", job)):
            return
        me.spawn(self.hand_in, market.collecting(job, 0, job.deadline))
        epochs = me.hears(market.EpochBegan, job=job)
        while True:
            what, began = yield me.first(closed=me.sees(market.ModelClosed), began=epochs.next())
            if what == "closed":
                break
            me.spawn(self.withdraw_consent, job, began.epoch)
            me.spawn(self.hand_in, market.collecting(job, began.epoch, float(began.due)))
        yield from self.collect(me, job)

    def hand_in(self, me: Me, job: Job) -> Steps:
        """One packet of this epoch's records."""
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work is None or not (work.model or work.copied) or not me.in_time(job.deadline):
            return
        yield me.sends(self.market.submits(me, job, work), tip=work.tip, by=job.deadline)

    def withdraw_consent(self, me: Me, job: Job, epoch: int) -> Steps:
        """Have packets that are in the model forgotten, as often as the terms say that people do.

        Args:
            me: the account that acts.
            job: what it is about.
            epoch: its number.
        """
        terms, book = self.market.terms, self.market.books[job.id]
        for number, packet in enumerate(book.packets):
            mine = packet.owner == me.address and packet.included and packet.stands
            if mine and terms.forgetting and me.luck("forget", job.key, epoch, number).random() < terms.forget_rate:
                yield me.sends(self.market.forgets(job, number))


class Worker(Server[CommunalForest]):
    """Trains the model of each epoch from public randomness, judges the packets, and answers requests."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "judge", "reveal", "claim"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One model, from enlisting to its end."""
        market = self.market
        if not (yield from self.ask(me, "enter", job)) or not me.in_time(job.deadline):
            return
        if not (yield me.sends(market.enlists(job), by=job.deadline)).ok:
            return
        if market.terms.proposal:
            me.spawn(self.propose, job, market.terms.proposal)
        news = me.hears(market.TrainingDue, market.PredictionRequested, market.Challenged, job=job)
        while True:
            what, fact = yield me.first(closed=me.sees(market.ModelClosed), news=news.next())
            if what == "closed":
                break
            if fact.event == "TrainingDue":
                me.spawn(self.train, market.trainings[job.id, fact.epoch])
            else:
                me.spawn(self.answer, job, fact)
        yield from self.collect(me, job)

    # --- the algorithm ------------------------------------------------------------------------------------------

    def propose(self, me: Me, job: Job, name: str) -> Steps:
        """Have another algorithm adopted: who enlisted first proposes it and puts it in force, and all vote for it.

        Args:
            me: the account that acts.
            job: what it is about.
            name: the algorithm's.
        """
        market, wanted = self.market, algorithm(name)
        epochs = me.hears(market.EpochBegan, job=job)
        yield me.sees(market.Enlisted, worker=me.address)
        first = next(iter(market.books[job.id].crew)) == me.address
        if first:
            yield me.sends(market.proposes(job, name), by=job.deadline)
        what, fact = yield me.first(
            over=me.sees(market.ModelClosed, market.AlgorithmUpdated),
            stands=me.sees(market.AlgorithmProposed, algorithm=wanted),
        )
        if what == "over":
            return
        yield me.sends(market.votes(job, name))
        since, due = float(fact.args["from"]), job.deadline
        while first:
            if since < due and (yield from self.adopt(me, job, name, max(since, me.now), due)):
                return
            what, began = yield me.first(closed=me.sees(market.ModelClosed), began=epochs.next())
            if what == "closed":
                return
            due = float(began.due)

    def adopt(self, me: Me, job: Job, name: str, since: float, due: float) -> Steps:
        """Put a proposal in force; return whether it is.

        Args:
            me: the account that acts.
            job: what it is about.
            name: the algorithm's.
            since: Unix seconds: from when it may be.
            due: Unix seconds: the end of this epoch's collecting.
        """
        yield me.until(since)
        return (yield me.sends(self.market.activates(job, name), by=due)).ok

    # --- training -----------------------------------------------------------------------------------------------

    def train(self, me: Me, job: Job) -> Steps:
        """One epoch's model: judge what was handed in, train on what passed, and report."""
        marks = yield from self.marks(me, job)
        work = yield from self.trained(me, self.market.sifted(job, marks))
        if work is None or work.model is None:
            return
        report = reports.report(work.model, marks)
        if not me.in_time(job.deadline):
            return
        me.publishes(work.model)
        if not self.market.terms.commit_reports:
            if self.market.books[job.id].state == TRAIN:  # else another's report was enough
                yield me.sends(self.market.publishes(job, report), tip=work.tip, by=job.deadline)
        elif not (yield from self.commit(me, job, report)):
            return
        if self.market.terms.place == ON_CHAIN:
            yield from self.upload(me, job, work.model, report)

    def trained(self, me: Me, job: Job) -> Steps:
        """Do the work that the algorithm in force asks for: train, or take what somebody made the algorithm."""
        asked = self.market.books[job.id].algorithm
        if asked not in self.market.algorithms:
            return Work(model=me.fetches(asked))
        return (yield from self.ask(me, "work", job, by=job.deadline))

    def marks(self, me: Me, job: Job) -> Steps:
        """Judge each packet, where there is a filter or a dividend that asks for it."""
        market, book = self.market, self.market.books[job.id]
        packets = market.datasets[job.id, job.round]
        worths: list[int | None] = [None] * len(packets)
        for place, number in enumerate(packets if market.terms.filter != NONE else ()):
            subject = Subject(("packet", number), book.packets[number].owner, b"", None, SCALE)
            worths[place] = yield from self.ask(me, "judge", job, subject, by=job.deadline)
        return reports.marks(market, job, packets, worths)

    def commit(self, me: Me, job: Job, report: Report) -> Steps:
        """Commit to a report and reveal it, once all have or their time is over; return whether it was revealed.

        Args:
            me: the account that acts.
            job: as the training has it.
            report: what one says.
        """
        market = self.market
        if not (yield me.sends(market.commits(me, job, report), by=job.deadline)).ok:
            return False
        what, fact = yield me.first(all=me.sees(market.AllCommitted, epoch=job.round), over=me.sees(market.ModelClosed))
        if what != "all" or not (yield from self.ask(me, "reveal", job, "report")):
            return False
        return (yield me.sends(market.reveals(me, job, report), by=float(fact.due))).ok

    def upload(self, me: Me, job: Job, model: bytes, report: Report) -> Steps:
        """Upload one's part of the trees that were agreed on; then what others left, once they had time to.

        Args:
            me: the account that acts.
            job: as the training has it.
            model: what one trained.
            report: what one said.
        """
        market, book = self.market, self.market.books[job.id]
        serving = yield me.sees(market.Serving, epoch=job.round)
        forest = forests.decode(model)
        if forest is None or serving.cid != report.cid:
            return
        pieces = trees.chunks(forest)
        same = market.reporters(job, job.round, report.cid)
        order = [*same, me.address].index(me.address)
        for place in range(order, len(pieces), max(1, len(same))):
            yield me.sends(market.uploads(job, pieces, place), by=float(serving.due))
        yield me.until(me.now + (2 * PATIENCE + PATIENCE * order) * me.block_time)
        for place, leaf in enumerate(map(trees.leaf, pieces)):
            if leaf not in book.uploaded and book.cid == report.cid and me.in_time(float(serving.due)):
                yield me.sends(market.uploads(job, pieces, place), by=float(serving.due))

    # --- answers ------------------------------------------------------------------------------------------------

    def answer(self, me: Me, job: Job, asked: Fact) -> Steps:
        """Answer a request: at once when it is one's turn, else where others are silent or the answer is doubted.

        Args:
            me: the account that acts.
            job: what it is about.
            asked: the request, or the challenge.
        """
        market, book, due = self.market, self.market.books[job.id], float(asked.due)
        number = asked.request
        request = book.requests[number]
        crew = list(book.crew)
        order = (crew.index(me.address) - number) % len(crew)
        if asked.event == "PredictionRequested" and order >= market.terms.answers:
            yield me.until(me.now + PATIENCE * (order + 1 - market.terms.answers) * me.block_time)
        wanted = "PredictionRequested" if request.phase == REQUESTED else "Challenged"
        if me.address in request.answers or wanted != asked.event or not me.in_time(due):
            return
        claim = yield from self.ask(me, "claim", job, market.answer(job, number), by=due)
        if claim is not None and me.in_time(due):
            yield me.sends(market.fulfils(job, number, claim), by=due)


class User(Server[CommunalForest]):
    """Asks the model about cases of its own, and doubts answers that are not the model's."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "settle"})

    def serve(self, me: Me, job: Job) -> Steps:
        """One model, from the first answers to its end."""
        market = self.market
        if not (yield from self.ask(me, "enter", job)):
            return
        served = me.hears(market.Serving, job=job)
        while True:
            what, fact = yield me.first(closed=me.sees(market.ModelClosed), served=served.next())
            if what == "closed":
                break
            if any(fact.cid):
                me.spawn(self.use, job, fact)
        yield from self.collect(me, job)

    def use(self, me: Me, job: Job, served: Fact) -> Steps:
        """Ask what one wants to know in this epoch, spread over its first half.

        Args:
            me: the account that acts.
            job: what it is about.
            served: that the model can be asked.
        """
        terms, cases = self.market.terms, self.market.questions(job)
        until = float(served.due)
        for number in range(terms.questions):
            luck = me.luck("question", job.key, served.epoch, number)
            yield me.until(me.now + luck("when").uniform(0, terms.serve_window / (2 * terms.questions)))
            if terms.place == ON_CHAIN and not (yield from self.stored(me, job, until)):
                return
            case = cases[luck("case").integer(len(cases))]
            if me.in_time(until):
                me.spawn(self.question, job, tuple(map(int, case)), until)

    def stored(self, me: Me, job: Job, until: float) -> Steps:
        """Wait until the contract has all trees; return whether it has.

        Args:
            me: the account that acts.
            job: what it is about.
            until: Unix seconds.
        """
        while not self.market.books[job.id].ready:
            if me.now + 2 * me.block_time >= until:
                return False
            yield me.until(me.now + me.block_time)
        return True

    def question(self, me: Me, job: Job, features: tuple[int, ...], until: float) -> Steps:
        """Ask once, and settle what comes.

        Args:
            me: the account that acts.
            job: what it is about.
            features: of a case.
            until: Unix seconds.
        """
        market = self.market
        call = market.asks(me, job, features)
        if not (yield me.sends(call, by=until)).ok or market.terms.place == ON_CHAIN:
            return
        asked = yield me.sees(market.PredictionRequested, user=me.address, input=call.carries)
        number = asked.request
        what, ready = yield me.first(
            ready=me.sees(market.PredictionReady, request=number),
            over=me.sees(market.PredictionSettled, request=number),
        )
        if what == "over" or not market.terms.challenge_window:
            return
        by = market.books[job.id].requests[number].answers
        worker = next((who for who, value in by.items() if value == ready.value), b"")
        subject = Subject(("request", number), worker, None, ready.value, job.scale)
        if (yield from self.ask(me, "settle", job, subject)) == "dispute" and me.in_time(float(ready.due)):
            yield me.sends(market.challenges(job, number), by=float(ready.due))


ROLES = (Steward, Contributor, Worker, User, Keeper)
