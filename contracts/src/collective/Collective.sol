// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Choice, Experiment, Rules, State, Terms, Vote} from "./CollectiveTypes.sol";
import {ExperimentStorage} from "./ExperimentStorage.sol";
import {Commitments} from "../shared/Commitments.sol";
import {Cause} from "../shared/Vault.sol";

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
    function createExperiment(Terms calldata t) external returns (uint256 id) {
        if (t.initCid == 0) revert TermOutOfRange("initCid", 0);
        if (t.thresholdBps > BPS) revert TermOutOfRange("thresholdBps", t.thresholdBps);
        if (t.rounds == 0) revert TermOutOfRange("rounds", 0);
        if (t.maxLearners < rules.minLearners) revert TermOutOfRange("maxLearners", t.maxLearners);
        if (t.enrolWindow == 0) revert TermOutOfRange("enrolWindow", 0);
        if (t.proposeWindow == 0) revert TermOutOfRange("proposeWindow", 0);
        if (t.voteWindow == 0) revert TermOutOfRange("voteWindow", 0);
        id = experiments++;
        Experiment storage e = _experiments[id];
        (e.convener, e.state, e.due) = (msg.sender, State.ENROL, uint40(block.timestamp + t.enrolWindow));
        (e.cid, e.head) = (t.initCid, sha256(abi.encode(t.archHash, t.initCid)));
        e.held = t.rounds * (uint256(t.proposerReward) + t.voterReward);
        _terms[id] = t;
        emit ExperimentCreated(id, msg.sender, e.due, t.archHash, t.initCid, t.rounds, t.stake, t.context);
        _deposit(msg.sender, e.held);
    }

    /// @notice Take a seat. Pulls the stake.
    function join(uint256 id) external {
        Experiment storage e = _inState(id, State.ENROL);
        if (block.timestamp >= e.due) revert TooLate(block.timestamp, e.due);
        if (_seats[id][msg.sender].taken) revert AlreadyJoined(id, msg.sender);
        if (_learners[id].length >= _terms[id].maxLearners) revert Full(id, _learners[id].length);
        uint128 stake = _terms[id].stake;
        _learners[id].push(msg.sender);
        (_seats[id][msg.sender].taken, _seats[id][msg.sender].stake) = (true, stake);
        e.held += stake;
        emit Joined(id, msg.sender);
        _deposit(msg.sender, stake);
    }

    /// @notice Leave with one's stake: while others may join, or while another prepares a proposal.
    function exit(uint256 id) external {
        Experiment storage e = _experiments[id];
        if (stateOf(id) != State.ENROL) {
            _inState(id, State.PROPOSE);
            if (_learners[id].length <= rules.minLearners) revert TooFew(id, _learners[id].length);
            if (msg.sender == e.proposer) revert WrongState(id, State.PROPOSE);
        }
        if (!_seats[id][msg.sender].taken) revert NotLearner(id, msg.sender);
        _leave(id, msg.sender);
    }

    /// @notice Begin the first round: once all seats are taken, or enrolment is over. By anybody.
    function begin(uint256 id) external {
        Experiment storage e = _inState(id, State.ENROL);
        uint256 n = _learners[id].length;
        if (n < _terms[id].maxLearners && block.timestamp < e.due) revert TooEarly(block.timestamp, e.due);
        if (n < rules.minLearners) _close(id, State.ABORTED);
        else _begin(id, 0);
    }

    /// @notice Propose a model, with the count that it got on one's own vote set. By the round's proposer, once.
    function propose(uint256 id, uint256 round, bytes32 cid, uint32 score) external {
        Experiment storage e = _inRound(id, round, State.PROPOSE);
        if (msg.sender != e.proposer) revert NotProposer(msg.sender, e.proposer);
        if (block.timestamp >= e.due) revert TooLate(block.timestamp, e.due);
        if (rules.distinct && cid == e.cid) revert SameModel(cid);
        (e.proposed, e.state) = (cid, rules.sealedVotes ? State.COMMIT : State.VOTE);
        e.due = uint40(block.timestamp + _terms[id].voteWindow);
        emit Proposed(id, e.round, msg.sender, cid, score, e.due);
    }

    /// @notice Let one's turn go, which costs nothing and keeps nobody waiting: for who has nothing to offer.
    function passTurn(uint256 id, uint256 round) external {
        Experiment storage e = _inRound(id, round, State.PROPOSE);
        if (msg.sender != e.proposer) revert NotProposer(msg.sender, e.proposer);
        emit ProposerSkipped(id, e.round, msg.sender, true);
        _begin(id, e.round + 1);
    }

    /// @notice Go on without a proposer whose time is over. By anybody.
    function skipProposer(uint256 id, uint256 round) external {
        Experiment storage e = _inRound(id, round, State.PROPOSE);
        if (block.timestamp < e.due) revert TooEarly(block.timestamp, e.due);
        emit ProposerSkipped(id, e.round, e.proposer, false);
        _fine(id, e.proposer);
        _begin(id, e.round + 1);
    }

    /// @notice Seal a vote: `sha256(abi.encode(sha256(abi.encode(round, approve, score)), salt, voter))`.
    function commitVote(uint256 id, uint256 round, bytes32 seal) external {
        Experiment storage e = _inRound(id, round, State.COMMIT);
        _ballot(id, round, Choice.NONE).choice = Choice.SEALED;
        _votes[id][round][msg.sender].seal = seal;
        emit VoteCommitted(id, e.round, msg.sender);
        if (++e.committed + 1 != _learners[id].length) return;
        (e.state, e.due) = (State.VOTE, uint40(block.timestamp + _terms[id].voteWindow));
        emit AllCommitted(id, e.round, e.due);
    }

    /// @notice Open one's seal.
    function revealVote(uint256 id, uint256 round, bool approve, uint32 score, bytes32 salt) external {
        _inRound(id, round, State.VOTE);
        Vote storage v = _ballot(id, round, Choice.SEALED);
        bytes32 seal = Commitments.ofWork(sha256(abi.encode(round, approve, score)), salt, msg.sender, true);
        if (seal != v.seal) revert WrongSeal(seal, v.seal);
        _count(id, v, approve, score);
    }

    /// @notice Vote in the open, where votes are not sealed.
    function vote(uint256 id, uint256 round, bool approve, uint32 score) external {
        _inRound(id, round, State.VOTE);
        if (rules.sealedVotes) revert VotesAreSealed();
        _count(id, _ballot(id, round, Choice.NONE), approve, score);
    }

    /// @notice Count the votes: once all are there, or their time is over. By anybody.
    function tally(uint256 id, uint256 round) external {
        Experiment storage e = _inRound(id, round, State.VOTE);
        uint256 expected = rules.sealedVotes ? e.committed : _learners[id].length - 1;
        if (e.revealed < expected && block.timestamp < dueOf(id)) revert TooEarly(block.timestamp, dueOf(id));
        bool accepted = _passes(id);
        emit RoundTallied(id, e.round, e.approvals, e.revealed, accepted);
        if (accepted) {
            e.cid = e.proposed;
            e.head = sha256(abi.encode(e.head, round, e.cid, e.proposer));
            emit GlobalUpdated(id, e.round, e.proposer, e.cid, e.head);
            _pay(id, e.proposer, _terms[id].proposerReward, Cause.REWARD);
        }
        _settle(id, accepted);
        _begin(id, e.round + 1);
    }

    /// @dev One's own ballot in this round, if it is as it must be.
    function _ballot(uint256 id, uint256 round, Choice required) private view returns (Vote storage v) {
        if (!_seats[id][msg.sender].taken) revert NotLearner(id, msg.sender);
        if (msg.sender == _experiments[id].proposer) revert ProposersDoNotVote(msg.sender);
        v = _votes[id][round][msg.sender];
        if (v.choice != required) revert WrongBallot(msg.sender, v.choice, required);
        if (block.timestamp >= dueOf(id)) revert TooLate(block.timestamp, dueOf(id));
    }

    function _count(uint256 id, Vote storage v, bool approve, uint32 score) private {
        Experiment storage e = _experiments[id];
        (v.choice, v.score) = (approve ? Choice.APPROVE : Choice.REJECT, score);
        e.revealed++;
        if (approve) e.approvals++;
        emit VoteRevealed(id, e.round, msg.sender, approve, score);
    }

    /// @dev Equal parts for those who voted for what came of it, and a fine for those who did not vote. Backwards, for
    /// who is fined may leave.
    function _settle(uint256 id, bool accepted) private {
        Experiment storage e = _experiments[id];
        uint256 winners = accepted ? e.approvals : e.revealed - e.approvals;
        uint256 part = winners == 0 ? 0 : _terms[id].voterReward / winners;
        for (uint256 i = _learners[id].length; i != 0;) {
            address who = _learners[id][--i];
            if (who == e.proposer) continue;
            Choice choice = _votes[id][e.round][who].choice;
            if (choice < Choice.REJECT) _fine(id, who);
            else if ((choice == Choice.APPROVE) == accepted) _pay(id, who, part, Cause.REWARD);
        }
    }
}
