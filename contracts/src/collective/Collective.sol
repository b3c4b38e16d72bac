// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Choice, Experiment, Rules, State, Terms, Vote} from "./CollectiveTypes.sol";
import {ExperimentStorage} from "./ExperimentStorage.sol";
import {Commitments} from "../common/Commitments.sol";
import {Cause} from "../common/Vault.sol";

/// @title Collective: learners who share no data take turns to propose a model, and vote on it
/// @notice A round has one proposer, whose vote is void. The others test its model on data of their own, and vote. With
/// enough approvals it is everybody's model, else the one before stays.
/// @dev Invariants: token.balanceOf(this) == escrow + owedTotal + treasury; the model changes by an accepted tally alone;
/// given somebody who pokes, an experiment is over by enrolment + rounds * (proposeWindow + 2 * voteWindow).
contract Collective is ExperimentStorage {
    event ExperimentCreated(
        uint256 indexed id,
        address indexed convener,
        uint40 due,
        bytes32 archHash,
        bytes32 initCid,
        uint16 rounds,
        uint128 stake,
        string context
    );
    event Joined(uint256 indexed id, address indexed learner);
    event Proposed(uint256 indexed id, uint16 round, address indexed proposer, bytes32 cid, uint32 score, uint40 due);
    event VoteCommitted(uint256 indexed id, uint16 round, address indexed voter);
    event AllCommitted(uint256 indexed id, uint16 round, uint40 due);
    event VoteRevealed(uint256 indexed id, uint16 round, address indexed voter, bool approve, uint32 score);
    event ProposerSkipped(uint256 indexed id, uint16 round, address indexed proposer, bool passed);
    event RoundTallied(uint256 indexed id, uint16 round, uint16 approvals, uint16 votes, bool accepted);
    event GlobalUpdated(uint256 indexed id, uint16 round, address indexed proposer, bytes32 cid, bytes32 head);

    error TermOutOfRange(string term, uint256 value);
    error TooEarly(uint256 time, uint256 from);
    error TooLate(uint256 time, uint256 until);
    error TooFew(uint256 id, uint256 learners);
    error Full(uint256 id, uint256 learners);
    error AlreadyJoined(uint256 id, address learner);
    error NotLearner(uint256 id, address who);
    error NotProposer(address who, address proposer);
    error ProposersDoNotVote(address who);
    error WrongBallot(address voter, Choice has, Choice required);
    error VotesAreSealed();
    error WrongSeal(bytes32 sent, bytes32 required);
    error SameModel(bytes32 cid);

    constructor(IERC20 token_, Rules memory rules_) ExperimentStorage(token_, rules_) {}

    /// @notice Call for learners. Pulls the rewards of all rounds from the caller's allowance.
    /// @param t the terms that are offered
    /// @return id the new experiment's number
    function createExperiment(Terms calldata t) external returns (uint256 id) {
        if (t.initCid == 0) revert TermOutOfRange("initCid", 0);
        if (t.thresholdBps > BPS) revert TermOutOfRange("thresholdBps", t.thresholdBps);
        if (t.rounds == 0) revert TermOutOfRange("rounds", 0);
        if (t.maxLearners < rules.minLearners) revert TermOutOfRange("maxLearners", t.maxLearners);
        if (t.enrolWindow == 0) revert TermOutOfRange("enrolWindow", 0);
        if (t.proposeWindow == 0) revert TermOutOfRange("proposeWindow", 0);
        if (t.voteWindow == 0) revert TermOutOfRange("voteWindow", 0);
        id = experiments++;
        Experiment storage experiment = _experiments[id];
        (experiment.convener, experiment.state, experiment.due) =
            (msg.sender, State.ENROL, uint40(block.timestamp + t.enrolWindow));
        (experiment.cid, experiment.head) = (t.initCid, sha256(abi.encode(t.archHash, t.initCid)));
        experiment.held = t.rounds * (uint256(t.proposerReward) + t.voterReward);
        _terms[id] = t;
        emit ExperimentCreated(id, msg.sender, experiment.due, t.archHash, t.initCid, t.rounds, t.stake, t.context);
        _deposit(msg.sender, experiment.held);
    }

    /// @notice Take a seat. Pulls the stake.
    /// @param id the experiment's number
    function join(uint256 id) external {
        Experiment storage experiment = _inState(id, State.ENROL);
        if (block.timestamp >= experiment.due) revert TooLate(block.timestamp, experiment.due);
        if (_seats[id][msg.sender].taken) revert AlreadyJoined(id, msg.sender);
        if (_learners[id].length >= _terms[id].maxLearners) revert Full(id, _learners[id].length);
        uint128 stake = _terms[id].stake;
        _learners[id].push(msg.sender);
        (_seats[id][msg.sender].taken, _seats[id][msg.sender].stake) = (true, stake);
        experiment.held += stake;
        emit Joined(id, msg.sender);
        _deposit(msg.sender, stake);
    }

    /// @notice Leave with one's stake: while others may join, or while another prepares a proposal.
    /// @param id the experiment's number
    function exit(uint256 id) external {
        Experiment storage experiment = _experiments[id];
        if (stateOf(id) != State.ENROL) {
            _inState(id, State.PROPOSE);
            if (_learners[id].length <= rules.minLearners) revert TooFew(id, _learners[id].length);
            if (msg.sender == experiment.proposer) revert WrongState(id, State.PROPOSE);
        }
        if (!_seats[id][msg.sender].taken) revert NotLearner(id, msg.sender);
        _leave(id, msg.sender);
    }

    /// @notice Begin the first round: once all seats are taken, or enrolment is over. By anybody.
    /// @param id the experiment's number
    function begin(uint256 id) external {
        Experiment storage experiment = _inState(id, State.ENROL);
        uint256 n = _learners[id].length;
        if (n < _terms[id].maxLearners && block.timestamp < experiment.due)
            revert TooEarly(block.timestamp, experiment.due);
        if (n < rules.minLearners) _close(id, State.ABORTED);
        else _begin(id, 0);
    }

    /// @notice Propose a model, with the count that it got on one's own vote set. By the round's proposer, once.
    /// @param id the experiment's number
    /// @param round the round's number; stale ones are refused
    /// @param cid the model's CID, SHA-256 of its bytes
    /// @param score right answers on one's own vote set
    function propose(uint256 id, uint256 round, bytes32 cid, uint32 score) external {
        Experiment storage experiment = _inRound(id, round, State.PROPOSE);
        if (msg.sender != experiment.proposer) revert NotProposer(msg.sender, experiment.proposer);
        if (block.timestamp >= experiment.due) revert TooLate(block.timestamp, experiment.due);
        if (rules.distinct && cid == experiment.cid) revert SameModel(cid);
        (experiment.proposed, experiment.state) = (cid, rules.sealedVotes ? State.COMMIT : State.VOTE);
        experiment.due = uint40(block.timestamp + _terms[id].voteWindow);
        emit Proposed(id, experiment.round, msg.sender, cid, score, experiment.due);
    }

    /// @notice Let one's turn go, which costs nothing and keeps nobody waiting: for who has nothing to offer.
    /// @param id the experiment's number
    /// @param round the round's number; stale ones are refused
    function passTurn(uint256 id, uint256 round) external {
        Experiment storage experiment = _inRound(id, round, State.PROPOSE);
        if (msg.sender != experiment.proposer) revert NotProposer(msg.sender, experiment.proposer);
        emit ProposerSkipped(id, experiment.round, msg.sender, true);
        _begin(id, experiment.round + 1);
    }

    /// @notice Go on without a proposer whose time is over. By anybody.
    /// @param id the experiment's number
    /// @param round the round's number; stale ones are refused
    function skipProposer(uint256 id, uint256 round) external {
        Experiment storage experiment = _inRound(id, round, State.PROPOSE);
        if (block.timestamp < experiment.due) revert TooEarly(block.timestamp, experiment.due);
        emit ProposerSkipped(id, experiment.round, experiment.proposer, false);
        _fine(id, experiment.proposer);
        _begin(id, experiment.round + 1);
    }

    /// @notice Commit to a vote: `sha256(abi.encode(sha256(abi.encode(round, approve, score)), salt, voter))`.
    /// @param id the experiment's number
    /// @param round the round's number; stale ones are refused
    /// @param seal the commitment, 32 bytes
    function commitVote(uint256 id, uint256 round, bytes32 seal) external {
        Experiment storage experiment = _inRound(id, round, State.COMMIT);
        _ballot(id, round, Choice.NONE).choice = Choice.SEALED;
        _votes[id][round][msg.sender].seal = seal;
        emit VoteCommitted(id, experiment.round, msg.sender);
        if (++experiment.committed + 1 != _learners[id].length) return;
        (experiment.state, experiment.due) = (State.VOTE, uint40(block.timestamp + _terms[id].voteWindow));
        emit AllCommitted(id, experiment.round, experiment.due);
    }

    /// @notice Reveal one's vote.
    /// @param id the experiment's number
    /// @param round the round's number; stale ones are refused
    /// @param approve whether the proposal is approved
    /// @param score right answers on one's own vote set
    /// @param salt the commitment's salt
    function revealVote(uint256 id, uint256 round, bool approve, uint32 score, bytes32 salt) external {
        _inRound(id, round, State.VOTE);
        Vote storage ballot = _ballot(id, round, Choice.SEALED);
        bytes32 seal = Commitments.ofWork(sha256(abi.encode(round, approve, score)), salt, msg.sender, true);
        if (seal != ballot.seal) revert WrongSeal(seal, ballot.seal);
        _count(id, ballot, approve, score);
    }

    /// @notice Vote in the open, where votes are not committed.
    /// @param id the experiment's number
    /// @param round the round's number; stale ones are refused
    /// @param approve whether the proposal is approved
    /// @param score right answers on one's own vote set
    function vote(uint256 id, uint256 round, bool approve, uint32 score) external {
        _inRound(id, round, State.VOTE);
        if (rules.sealedVotes) revert VotesAreSealed();
        _count(id, _ballot(id, round, Choice.NONE), approve, score);
    }

    /// @notice Count the votes: once all are there, or their time is over. By anybody.
    /// @param id the experiment's number
    /// @param round the round's number; stale ones are refused
    function tally(uint256 id, uint256 round) external {
        Experiment storage experiment = _inRound(id, round, State.VOTE);
        uint256 expected = rules.sealedVotes ? experiment.committed : _learners[id].length - 1;
        if (experiment.revealed < expected && block.timestamp < dueOf(id)) revert TooEarly(block.timestamp, dueOf(id));
        bool accepted = _passes(id);
        emit RoundTallied(id, experiment.round, experiment.approvals, experiment.revealed, accepted);
        if (accepted) {
            experiment.cid = experiment.proposed;
            experiment.head = sha256(abi.encode(experiment.head, round, experiment.cid, experiment.proposer));
            emit GlobalUpdated(id, experiment.round, experiment.proposer, experiment.cid, experiment.head);
            _pay(id, experiment.proposer, _terms[id].proposerReward, Cause.REWARD);
        }
        _settle(id, accepted);
        _begin(id, experiment.round + 1);
    }

    /// @dev One's own ballot in this round, if it is as it must be.
    function _ballot(uint256 id, uint256 round, Choice required) private view returns (Vote storage ballot) {
        if (!_seats[id][msg.sender].taken) revert NotLearner(id, msg.sender);
        if (msg.sender == _experiments[id].proposer) revert ProposersDoNotVote(msg.sender);
        ballot = _votes[id][round][msg.sender];
        if (ballot.choice != required) revert WrongBallot(msg.sender, ballot.choice, required);
        if (block.timestamp >= dueOf(id)) revert TooLate(block.timestamp, dueOf(id));
    }

    function _count(uint256 id, Vote storage ballot, bool approve, uint32 score) private {
        Experiment storage experiment = _experiments[id];
        (ballot.choice, ballot.score) = (approve ? Choice.APPROVE : Choice.REJECT, score);
        experiment.revealed++;
        if (approve) experiment.approvals++;
        emit VoteRevealed(id, experiment.round, msg.sender, approve, score);
    }

    /// @dev Equal parts for those who voted for what came of it, and a fine for those who did not vote. Backwards, for
    /// who is fined may leave.
    function _settle(uint256 id, bool accepted) private {
        Experiment storage experiment = _experiments[id];
        uint256 winners = accepted ? experiment.approvals : experiment.revealed - experiment.approvals;
        uint256 part = winners == 0 ? 0 : _terms[id].voterReward / winners;
        for (uint256 i = _learners[id].length; i != 0;) {
            address who = _learners[id][--i];
            if (who == experiment.proposer) continue;
            Choice choice = _votes[id][experiment.round][who].choice;
            if (choice < Choice.REJECT) _fine(id, who);
            else if ((choice == Choice.APPROVE) == accepted) _pay(id, who, part, Cause.REWARD);
        }
    }
}
