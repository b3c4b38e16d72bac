"""The contract of collective learning: who may do what when, who is paid, and what a coalition of voters can carry."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from math import comb
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from scipy.stats import binom, hypergeom

from slashpoint.protocols.collective.market import ballot
from slashpoint.sim.market import commitment
from slashpoint.sim.testing.contract import Deed, Scene

CONVENER, POKER = (bytes([i]) * 20 for i in (2, 3))
LEARNERS = [bytes([16 + i]) * 20 for i in range(9)]
ENROLMENT, PROPOSING, VOTING, STAKE, PROPOSER, VOTER = 300, 200, 100, 1_000, 60, 40
HARDENED = {
    "strict": True, "countsProposer": False, "sealedVotes": True, "beaconOrder": False, "distinct": True,
    "minLearners": 3, "quorumBps": 5000, "absenceBps": 2500, "pokeBountyBps": 1000,
}  # fmt: skip
LITERAL = {  # the seed's rules as values
    **HARDENED, "strict": False, "sealedVotes": False, "distinct": False, "minLearners": 1, "quorumBps": 0,
    "absenceBps": 0, "pokeBountyBps": 0,
}  # fmt: skip
OPEN = {**HARDENED, "sealedVotes": False}
ENROL, PROPOSE, COMMIT, VOTE, FINISHED, ABORTED = range(1, 7)
SALT, ARCH, FIRST = b"s" * 32, b"a" * 32, b"0" * 32


def cid(number: int) -> bytes:
    return hashlib.sha256(bytes([number])).digest()


class Stage(Scene):
    """The contract of collective learning."""

    def __init__(self, rules: dict[str, Any]) -> None:
        super().__init__("Collective", rules, people=[CONVENER, POKER, *LEARNERS])
        self.rules = rules

    def post(self, learners: int = 5, **changes: Any) -> int:
        """An experiment with all seats taken, in its first round."""
        terms = {
            "archHash": ARCH, "initCid": FIRST, "thresholdBps": 5000, "rounds": 4, "maxLearners": learners or 9,
            "enrolWindow": ENROLMENT, "proposeWindow": PROPOSING, "voteWindow": VOTING, "stake": STAKE,
            "proposerReward": PROPOSER, "voterReward": VOTER, "context": "digits",
        }  # fmt: skip
        created = self.must(CONVENER, self.market.createExperiment({**terms, **changes})).of("ExperimentCreated")
        job = int(created[0]["id"])
        for who in LEARNERS[:learners]:
            self.must(who, self.market.join(job))
        if learners:
            self.must(POKER, self.market.begin(job))
        return job

    def book(self, job: int) -> Any:
        return self.market.experimentOf(job)

    def voters(self, job: int) -> list[bytes]:
        return [who for who in self.market.learnersOf(job) if who != self.book(job).proposer]

    def propose(self, job: int, model: bytes | None = None) -> bytes:
        book = self.book(job)
        model = model or cid(book.round + 1)
        self.must(book.proposer, self.market.propose(job, book.round, model, 50))
        return model

    def committed(self, job: int, who: bytes, approve: bool, score: int = 7) -> bytes:
        return commitment(ballot(self.book(job).round, score, approve=approve), SALT, who, salted=True)

    def vote(self, job: int, choices: dict[bytes, bool]) -> None:
        """Votes, in as many steps as it takes; whoever is not named stays away."""
        number = self.book(job).round
        if not self.rules["sealedVotes"]:
            for who, approve in choices.items():
                self.must(who, self.market.vote(job, number, approve, 7))
            return
        for who, approve in choices.items():
            self.must(who, self.market.commitVote(job, number, self.committed(job, who, approve)))
        if self.market.stateOf(job) == COMMIT:
            self.at(self.book(job).due)
        for who, approve in choices.items():
            self.must(who, self.market.revealVote(job, number, approve, 7, SALT))

    def tally(self, job: int) -> Deed:
        number = self.book(job).round
        outcome = self.do(POKER, self.market.tally(job, number))
        if outcome.ok:
            return outcome
        return self.at(max(self.now, self.market.dueOf(job))).must(POKER, self.market.tally(job, number))

    def round(self, job: int, approvals: int, rejections: int = 0) -> bool:
        """A whole round with so many votes; whether its proposal was accepted."""
        self.propose(job)
        choices = [True] * approvals + [False] * rejections
        self.vote(job, dict(zip(self.voters(job), choices, strict=False)))
        return bool(self.tally(job).of("RoundTallied")[0]["accepted"])

    def check_books(self) -> None:
        self.check_vault(sum(self.book(job).held for job in range(self.market.experiments())))


@functools.cache
def prepared(variant: int) -> tuple[Stage, int]:
    stage = Stage(VARIANTS[variant])
    return stage, stage.engine.snapshot()


def fresh(variant: int) -> Stage:
    """A stage as it was at first."""
    stage, snapshot = prepared(variant)
    stage.engine.restore(snapshot)
    return stage.at(1_000_000)


VARIANTS = [
    HARDENED,
    LITERAL,
    OPEN,
    {**LITERAL, "countsProposer": True},
    {**OPEN, "countsProposer": True, "quorumBps": 0},
    {**HARDENED, "beaconOrder": True, "absenceBps": 10_000},
]


@pytest.fixture
def stage():
    made = fresh(0)
    yield made
    made.check_books()


# --- a life ---


def test_an_accepted_proposal_is_the_model_and_who_voted_for_it_is_paid(stage):
    job = stage.post()
    assert (stage.book(job).proposer, stage.book(job).cid) == (LEARNERS[0], FIRST)
    stage.propose(job, cid(1))
    one, two, three, four = stage.voters(job)
    stage.vote(job, {one: True, two: True, three: True, four: False})
    outcome = stage.tally(job)
    assert outcome.of("RoundTallied") == [{"id": job, "round": 0, "approvals": 3, "votes": 4, "accepted": True}]
    assert outcome.of("GlobalUpdated")[0]["cid"] == stage.book(job).cid == cid(1)
    assert [stage.gained(who) for who in (LEARNERS[0], one, two, three, four)] == [
        PROPOSER - STAKE, *[VOTER // 3 - STAKE] * 3, -STAKE
    ]  # fmt: skip
    assert stage.book(job).proposer == LEARNERS[1]


def test_a_rejected_proposal_changes_nothing_and_pays_who_rejected_it(stage):
    job = stage.post()
    assert not stage.round(job, approvals=2, rejections=2)
    assert stage.book(job).cid == FIRST
    assert stage.gained(LEARNERS[0]) == -STAKE
    assert Counter(map(stage.gained, LEARNERS[1:5])) == {-STAKE: 2, VOTER // 2 - STAKE: 2}


def test_at_the_end_stakes_and_what_nobody_earned_come_back(stage):
    job = stage.post()
    for accepted in (4, 0, 4, 4):
        assert stage.round(job, approvals=accepted, rejections=4 - accepted) == bool(accepted)
    assert stage.book(job).state == FINISHED
    assert stage.book(job).held == stage.market.escrow() == 0
    assert stage.gained(CONVENER) == -3 * PROPOSER - 4 * VOTER
    assert sum(map(stage.gained, LEARNERS)) == 3 * PROPOSER + 4 * VOTER
    for who in (*LEARNERS[:5], CONVENER):
        stage.must(who, stage.market.withdraw())
    assert stage.coin.balanceOf(stage.market.address_) == 0


def test_the_history_is_a_chain_of_hashes(stage):
    job = stage.post()
    heads = [stage.book(job).head]
    for approvals in (4, 1, 3):
        stage.round(job, approvals, 4 - approvals)
        heads.append(stage.book(job).head)
    first = hashlib.sha256(ARCH + FIRST).digest()
    links = {0: cid(1), 2: cid(3)}
    head, expected = first, [first]
    for number in range(3):
        if number in links:
            words = head, number.to_bytes(32, "big"), links[number], LEARNERS[number].rjust(32, b"\0")
            head = hashlib.sha256(b"".join(words)).digest()
        expected.append(head)
    assert heads == expected


def test_too_few_learners_and_everybody_has_everything_back(stage):
    job = stage.post(learners=0)
    for who in LEARNERS[:2]:
        stage.must(who, stage.market.join(job))
    assert stage.fails(POKER, stage.market.begin(job)) == "TooEarly"
    stage.at(stage.book(job).due)
    assert stage.fails(LEARNERS[2], stage.market.join(job)) == "TooLate"
    assert stage.must(POKER, stage.market.begin(job)).of("ExperimentClosed")[0]["state"] == ABORTED
    assert [stage.gained(who) for who in (CONVENER, *LEARNERS)] == [0] * 10


# --- who may do what ---


def test_one_proposal_a_round_by_its_proposer_in_time(stage):
    job = stage.post()
    assert stage.fails(LEARNERS[1], stage.market.propose(job, 0, cid(9), 1)) == "NotProposer"
    assert stage.fails(LEARNERS[0], stage.market.propose(job, 1, cid(9), 1)) == "WrongRound"
    assert stage.fails(LEARNERS[0], stage.market.propose(job, 0, FIRST, 1)) == "SameModel"
    stage.propose(job)
    assert stage.fails(LEARNERS[0], stage.market.propose(job, 0, cid(9), 1)) == "WrongState"
    late = stage.post()
    stage.at(stage.book(late).due)
    assert stage.fails(LEARNERS[0], stage.market.propose(late, 0, cid(9), 1)) == "TooLate"


@pytest.mark.parametrize("variant", [0, 2])
def test_a_voter_has_one_vote_and_the_proposer_none(variant):
    stage = fresh(variant)
    job = stage.post()
    stage.propose(job)
    voter, other = stage.voters(job)[:2]
    committed = stage.committed(job, voter, True)

    def cast():
        return stage.market.commitVote(job, 0, committed) if variant == 0 else stage.market.vote(job, 0, True, 7)

    assert stage.fails(LEARNERS[0], cast()) == "ProposersDoNotVote"
    assert stage.fails(POKER, cast()) == "NotLearner"
    stage.must(voter, cast())
    assert stage.fails(voter, cast()) == "WrongBallot"
    stage.at(stage.book(job).due)
    assert stage.fails(other, cast()) == ("WrongState" if variant == 0 else "TooLate")


def test_a_sealed_vote_opens_as_it_was_sealed_for_its_owner_alone(stage):
    job = stage.post()
    stage.propose(job)
    mine, thief, idle = stage.voters(job)[:3]
    committed = stage.committed(job, mine, True)
    stage.must(mine, stage.market.commitVote(job, 0, committed))
    stage.must(thief, stage.market.commitVote(job, 0, committed))
    assert stage.fails(mine, stage.market.revealVote(job, 0, True, 7, SALT)) == "WrongState"
    stage.at(stage.book(job).due)
    assert stage.market.stateOf(job) == VOTE
    for approve, score, salt in ((False, 7, SALT), (True, 8, SALT), (True, 7, b"x" * 32)):
        assert stage.fails(mine, stage.market.revealVote(job, 0, approve, score, salt)) == "WrongSeal"
    assert stage.fails(thief, stage.market.revealVote(job, 0, True, 7, SALT)) == "WrongSeal"
    assert stage.fails(idle, stage.market.revealVote(job, 0, True, 7, SALT)) == "WrongBallot"
    assert stage.fails(mine, stage.market.vote(job, 0, True, 7)) == "VotesAreSealed"
    stage.must(mine, stage.market.revealVote(job, 0, True, 7, SALT))
    assert stage.fails(mine, stage.market.revealVote(job, 0, True, 7, SALT)) == "WrongBallot"


def test_votes_are_counted_once_all_are_there_or_their_time_is_over(stage):
    job = stage.post()
    stage.propose(job)
    voters = stage.voters(job)
    assert stage.fails(POKER, stage.market.tally(job, 0)) == "WrongState"
    for who in voters:
        stage.must(who, stage.market.commitVote(job, 0, stage.committed(job, who, True)))
    for who in voters[:3]:
        stage.must(who, stage.market.revealVote(job, 0, True, 7, SALT))
    assert stage.fails(POKER, stage.market.tally(job, 0)) == "TooEarly"
    stage.must(voters[3], stage.market.revealVote(job, 0, True, 7, SALT))
    assert stage.must(POKER, stage.market.tally(job, 0)).of("RoundTallied")[0]["accepted"]
    stage.propose(job)
    stage.at(stage.book(job).due)
    assert stage.must(POKER, stage.market.tally(job, 1)).of("RoundTallied")[0]["votes"] == 0


# --- absence ---


def test_a_proposer_that_stays_away_is_skipped_and_fined(stage):
    job = stage.post()
    assert stage.fails(POKER, stage.market.skipProposer(job, 0)) == "TooEarly"
    stage.at(stage.book(job).due)
    outcome = stage.must(POKER, stage.market.skipProposer(job, 0))
    assert outcome.of("ProposerSkipped") == [{"id": job, "round": 0, "proposer": LEARNERS[0], "passed": False}]
    fine = STAKE // 4
    assert stage.market.seatOf(job, LEARNERS[0]).stake == STAKE - fine
    assert (stage.gained(POKER), stage.market.treasury()) == (fine // 10, fine - fine // 10)
    assert (stage.book(job).round, stage.book(job).proposer) == (1, LEARNERS[1])


def test_to_pass_costs_nothing(stage):
    job = stage.post()
    assert stage.fails(LEARNERS[1], stage.market.passTurn(job, 0)) == "NotProposer"
    assert stage.must(LEARNERS[0], stage.market.passTurn(job, 0)).of("ProposerSkipped")[0]["passed"]
    assert stage.market.seatOf(job, LEARNERS[0]).stake == STAKE
    assert stage.book(job).round == 1


def test_who_does_not_vote_or_not_reveal_is_fined_and_counts_as_a_rejection(stage):
    job = stage.post()
    stage.propose(job)
    one, two, silent, away = stage.voters(job)
    for who in (one, two, silent):
        stage.must(who, stage.market.commitVote(job, 0, stage.committed(job, who, True)))
    stage.at(stage.book(job).due)
    for who in (one, two):
        stage.must(who, stage.market.revealVote(job, 0, True, 7, SALT))
    outcome = stage.tally(job)
    assert not outcome.of("RoundTallied")[0]["accepted"]
    assert {fine["learner"] for fine in outcome.of("Slashed")} == {silent, away}


def test_who_has_nothing_left_has_no_seat():
    stage = fresh(5)
    job = stage.post(learners=4)
    stage.at(stage.book(job).due)
    gone = stage.book(job).proposer
    assert stage.must(gone, stage.market.skipProposer(job, 0)).of("Left") == [{"id": job, "learner": gone}]
    assert stage.gained(gone) == -STAKE  # and no bounty for one's own fine
    assert gone not in stage.market.learnersOf(job)
    stage.at(stage.book(job).due)
    assert stage.must(POKER, stage.market.skipProposer(job, 1)).of("ExperimentClosed")[0]["state"] == FINISHED
    stage.check_books()


def test_a_voter_may_leave_between_votes_and_the_threshold_follows(stage):
    job = stage.post()
    assert stage.fails(LEARNERS[0], stage.market.exit(job)) == "WrongState"
    assert stage.fails(POKER, stage.market.exit(job)) == "NotLearner"
    stage.must(LEARNERS[4], stage.market.exit(job))
    stage.must(LEARNERS[3], stage.market.exit(job))
    assert stage.fails(LEARNERS[2], stage.market.exit(job)) == "TooFew"
    assert stage.gained(LEARNERS[4]) == 0
    assert not stage.round(job, approvals=1, rejections=1)
    stage.propose(job)
    assert stage.fails(LEARNERS[2], stage.market.exit(job)) == "WrongState"


def test_too_few_votes_accept_nothing():
    stage = fresh(4)  # votes in the open, no quorum
    job = stage.post(learners=9, thresholdBps=1000)
    assert stage.round(job, approvals=1)
    stage = fresh(2)
    job = stage.post(learners=9, thresholdBps=1000)
    assert not stage.round(job, approvals=3)
    assert stage.round(job, approvals=4)


# --- what a coalition can carry ---


@pytest.mark.parametrize("learners", [3, 4, 5, 6])
@pytest.mark.parametrize("variant", [1, 2, 3, 4], ids=["at half", "above half", "at half of all", "above half of all"])
def test_the_threshold_is_exact_for_every_number_of_approvals(variant, learners):
    """`>` or `≥`, of n or of n - 1, as the rules say: ties on an even electorate pass only where at half is enough."""
    rules = VARIANTS[variant]
    electorate = learners - 1 + rules["countsProposer"]
    for approvals in range(learners):
        stage = fresh(variant)
        accepted = stage.round(stage.post(learners=learners), approvals, learners - 1 - approvals)
        assert accepted == (2 * approvals > electorate if rules["strict"] else 2 * approvals >= electorate)


def carried(stage: Stage, voters: int) -> list[bool]:
    """For each number of colluding approvals, whether they carry a proposal that nobody else approves."""
    outcomes = []
    for bribed in range(voters + 1):
        job = stage.post(learners=voters + 1)
        outcomes.append(stage.round(job, bribed, voters - bribed))
    return outcomes


def test_a_coalition_carries_what_the_hypergeometric_and_the_binomial_tail_say():
    """k of N learners collude, n voters are drawn; or each voter colludes with probability p. Even n: ties fail."""
    for voters in (4, 5):
        wins = carried(fresh(2), voters)
        everybody, colluding, p = 12, 4, 0.3
        drawn = sum(
            comb(colluding, i) * comb(everybody - colluding, voters - i) * wins[i] for i in range(voters + 1)
        ) / comb(everybody, voters)
        assert drawn == pytest.approx(hypergeom.sf(voters // 2, everybody, colluding, voters), abs=1e-12)
        each = sum(comb(voters, i) * p**i * (1 - p) ** (voters - i) * wins[i] for i in range(voters + 1))
        assert each == pytest.approx(binom.sf(voters // 2, voters, p), abs=1e-12)
        if voters == 4:
            assert each == pytest.approx(0.0837, abs=5e-5)
    ties = carried(fresh(1), 4)  # at half is enough: the tail begins one vote earlier
    each = sum(comb(4, i) * 0.3**i * 0.7 ** (4 - i) * ties[i] for i in range(5))
    assert each == pytest.approx(binom.sf(1, 4, 0.3), abs=1e-12)


def test_alone_one_accepts_ones_own_models_where_that_is_allowed():
    stage = fresh(1)
    job = stage.post(learners=1)
    assert stage.round(job, 0)
    assert stage.book(job).cid == cid(1)
    stage = fresh(0)
    assert stage.fails(CONVENER, stage.market.createExperiment((ARCH, FIRST, 5000, 4, 2, 1, 1, 1, 0, 0, 0, ""))) == (
        "TermOutOfRange"
    )


def test_a_beacon_draws_every_proposer_alike():
    """The proposer of round r is the hash of randomness, experiment and round, reduced to a seat: uniform, p > 0.01."""
    from scipy.stats import chisquare

    stage = fresh(5)
    stage.must(CONVENER, stage.market.createExperiment((ARCH, FIRST, 5000, 200, 5, 99, 99, 99, 1, 0, 0, "")))
    for who in LEARNERS[:5]:
        stage.must(who, stage.market.join(0))
    stage.must(POKER, stage.market.begin(0))
    seen: Counter[bytes] = Counter()
    while stage.book(0).state == PROPOSE:
        seen[stage.book(0).proposer] += 1
        stage.must(stage.book(0).proposer, stage.market.passTurn(0, stage.book(0).round))
    assert seen.total() == 200
    assert chisquare(list(seen.values())).pvalue > 0.01


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"initCid": bytes(32)}, "initCid"), ({"thresholdBps": 10_001}, "thresholdBps"), ({"rounds": 0}, "rounds"),
        ({"enrolWindow": 0}, "enrolWindow"), ({"proposeWindow": 0}, "proposeWindow"), ({"voteWindow": 0}, "voteWindow"),
    ],
)  # fmt: skip
def test_impossible_terms_are_refused(stage, change, name):
    with pytest.raises(AssertionError, match=f"TermOutOfRange.*{name}"):
        stage.post(**change)


@pytest.mark.parametrize("rule", ["minLearners", "quorumBps", "absenceBps", "pokeBountyBps"])
def test_impossible_rules_are_refused(stage, rule):
    with pytest.raises(AssertionError, match=f"RuleOutOfRange.*{rule}"):
        stage.deploy("Collective", stage.coin.address_, {**HARDENED, rule: 0 if rule == "minLearners" else 10_001})


def test_gas_of_five_learners(stage):
    """Ceilings, 10 % above what was measured; the first use of each slot, so the dearest."""
    gas = Counter()
    market, terms = stage.market, (ARCH, FIRST, 5000, 2, 5, 300, 200, 100, STAKE, PROPOSER, VOTER, "digits")
    gas["createExperiment"] = stage.must(CONVENER, market.createExperiment(terms)).gas
    for who in LEARNERS[:5]:
        gas["join"] = stage.must(who, market.join(0)).gas
    gas["begin"] = stage.must(POKER, market.begin(0)).gas
    gas["propose"] = stage.must(LEARNERS[0], market.propose(0, 0, cid(1), 50)).gas
    for who in LEARNERS[1:5]:
        gas["commitVote"] = stage.must(who, market.commitVote(0, 0, stage.committed(0, who, True))).gas
    for who in LEARNERS[1:5]:
        gas["revealVote"] = stage.must(who, market.revealVote(0, 0, True, 7, SALT)).gas
    gas["tally"] = stage.must(POKER, market.tally(0, 0)).gas
    stage.at(stage.book(0).due)
    gas["skipProposer"] = stage.must(POKER, market.skipProposer(0, 1)).gas  # the last round: all stakes go back
    gas["withdraw"] = stage.must(LEARNERS[0], market.withdraw()).gas
    over = {name: used for name, used in gas.items() if used > CEILINGS[name]}
    assert not over, repr(sorted(gas.items()))


CEILINGS = {
    "createExperiment": 397_000, "join": 122_000, "begin": 53_000, "propose": 72_000, "commitVote": 97_000,
    "revealVote": 51_000, "tally": 277_000, "skipProposer": 214_000, "withdraw": 49_000,
}  # fmt: skip


# --- anybody does anything at any time ---

people = st.sampled_from([CONVENER, POKER, *LEARNERS[:5]])
choices = st.lists(st.sampled_from([True, False, None]), min_size=5, max_size=5)


class AnybodyAnything(RuleBasedStateMachine):
    """Money is conserved, rounds only advance, and every experiment ends, whoever does what, in whatever order."""

    @initialize(
        variant=st.integers(0, len(VARIANTS) - 1),
        learners=st.integers(1, 5),
        stake=st.sampled_from([0, 7, 100]),
        reward=st.sampled_from([0, 1, 97]),
    )
    def deploy(self, variant, learners, stake, reward):
        self.stage = fresh(variant)
        self.market, self.model = self.stage.market, 10
        self.marks: dict[int, tuple[int, int]] = {}
        least = self.stage.rules["minLearners"]
        self.stage.post(
            learners=max(learners, least), maxLearners=max(learners, least), stake=stake, rounds=3,
            proposerReward=reward, voterReward=reward,
        )  # fmt: skip

    @rule(votes=choices, honest=st.booleans())
    def goes_on(self, votes, honest):
        """The next duty is done, by most of those who have it."""
        book, state = self.stage.book(0), self.market.stateOf(0)
        if state == PROPOSE and honest:
            self.model += 1
            self.stage.do(book.proposer, self.market.propose(0, book.round, cid(self.model), 50))
        elif state == PROPOSE:
            self.stage.do(POKER, self.market.skipProposer(0, book.round))
        elif state in {COMMIT, VOTE}:
            self.ballots(votes, book, state)
            self.stage.do(POKER, self.market.tally(0, book.round))

    def ballots(self, votes, book, state):
        for who, approve in zip(self.stage.voters(0), votes, strict=False):
            if approve is None:
                continue
            if state == COMMIT:
                call = self.market.commitVote(0, book.round, self.stage.committed(0, who, approve))
            elif self.stage.rules["sealedVotes"]:
                call = self.market.revealVote(0, book.round, approve, 7, SALT)
            else:
                call = self.market.vote(0, book.round, approve, 7)
            self.stage.do(who, call)

    @rule(who=people, what=st.sampled_from(["join", "exit", "begin"]))
    def meddles(self, who, what):
        self.stage.do(who, self.market.function_(what)(0))

    @rule(who=people, number=st.integers(0, 3), what=st.sampled_from(["skipProposer", "tally", "passTurn"]))
    def pokes(self, who, number, what):
        self.stage.do(who, self.market.function_(what)(0, number))

    @rule(who=people, number=st.integers(0, 3), approve=st.booleans())
    def overridden_duties(self, who, number, approve):
        self.stage.do(who, self.market.propose(0, number, cid(number), 9))
        self.stage.do(who, self.market.commitVote(0, number, cid(number)))
        self.stage.do(who, self.market.vote(0, number, approve, 9))
        self.stage.do(who, self.market.revealVote(0, number, approve, 9, SALT))

    @rule(who=people)
    def withdraws(self, who):
        self.stage.do(who, self.market.withdraw())

    @rule(seconds=st.sampled_from([30, VOTING - 1, VOTING, PROPOSING]))
    def waits(self, seconds):
        self.stage.at(self.stage.now + seconds)

    @invariant()
    def books_balance(self):
        self.stage.check_books()

    @invariant()
    def rounds_advance(self):
        book = self.stage.book(0)
        mark = (book.round, self.market.stateOf(0))
        assert mark >= self.marks.get(0, (0, 0)) or mark[1] >= FINISHED
        assert self.marks.get(0, (0, 0))[1] < FINISHED or mark == self.marks[0]
        assert mark[1] < FINISHED or book.held == 0
        self.marks[0] = mark

    def teardown(self):
        """One living poker ends the experiment, and everybody takes what is theirs."""
        if not hasattr(self, "market"):
            return
        for _ in range(2 * 3 + 2):
            state, book = self.market.stateOf(0), self.stage.book(0)
            if state >= FINISHED:
                break
            self.stage.at(max(self.stage.now, self.market.dueOf(0)))
            state = self.market.stateOf(0)
            poke = self.market.skipProposer if state == PROPOSE else self.market.tally
            self.stage.at(max(self.stage.now, self.market.dueOf(0))).do(POKER, poke(0, book.round))
        assert self.market.stateOf(0) == FINISHED
        for who in self.stage.people:
            if self.market.owed(who):
                self.stage.must(who, self.market.withdraw())
        self.stage.check_books()
        assert self.market.escrow() == self.market.owedTotal() == 0


TestAnybodyAnything = AnybodyAnything.TestCase
TestAnybodyAnything.settings = settings(max_examples=40, stateful_step_count=14, deadline=None)
