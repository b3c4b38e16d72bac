// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Choice, Experiment, Rules, Seat, State, Terms, Vote} from "./CollectiveTypes.sol";
import {Cause, Vault} from "../common/Vault.sol";

/// @title ExperimentStorage: what collective learning remembers, tells and pays
/// @notice Invariant: `escrow` is the sum of what is held for each experiment, and one that is over holds nothing. An
/// experiment holds what is left of its rewards and of its learners' stakes.
abstract contract ExperimentStorage is Vault {
    uint256 internal constant BPS = 10_000;

    Rules public rules;
    uint256 public experiments; // how many were ever made; their ids count from 0
    mapping(uint256 id => Experiment) internal _experiments;
    mapping(uint256 id => Terms) internal _terms;
    mapping(uint256 id => address[]) internal _learners; // in the order of joining, without those who left
    mapping(uint256 id => mapping(address learner => Seat)) internal _seats;
    mapping(uint256 id => mapping(uint256 round => mapping(address voter => Vote))) internal _votes;

    event Left(uint256 indexed id, address indexed learner);
    event Slashed(uint256 indexed id, uint16 round, address indexed learner, uint256 amount);
    event RoundBegan(uint256 indexed id, uint16 round, address indexed proposer, bytes32 cid, uint40 due);
    event ExperimentClosed(uint256 indexed id, State state, bytes32 cid, bytes32 head);

    error RuleOutOfRange(string rule, uint256 value);
    error NoSuchExperiment(uint256 id);
    error WrongState(uint256 id, State state);
    error WrongRound(uint256 sent, uint256 current);

    constructor(IERC20 token_, Rules memory rules_) Vault(token_) {
        if (rules_.minLearners == 0) revert RuleOutOfRange("minLearners", 0);
        if (rules_.quorumBps > BPS) revert RuleOutOfRange("quorumBps", rules_.quorumBps);
        if (rules_.absenceBps > BPS) revert RuleOutOfRange("absenceBps", rules_.absenceBps);
        if (rules_.pokeBountyBps > BPS) revert RuleOutOfRange("pokeBountyBps", rules_.pokeBountyBps);
        rules = rules_;
    }

    /// @notice An experiment.
    /// @param id the experiment's number
    /// @return the experiment as it stands
    function experimentOf(uint256 id) external view returns (Experiment memory) {
        return _experiments[id];
    }

    /// @notice The terms of an experiment.
    /// @param id the experiment's number
    /// @return the terms that it was posted with
    function termsOf(uint256 id) external view returns (Terms memory) {
        return _terms[id];
    }

    /// @notice Who has a seat.
    /// @param id the experiment's number
    /// @return the learners in the order of their seats
    function learnersOf(uint256 id) external view returns (address[] memory) {
        return _learners[id];
    }

    /// @notice A learner's seat.
    /// @param id the experiment's number
    /// @param learner the learner's address
    /// @return the learner's seat; empty for a stranger
    function seatOf(uint256 id, address learner) external view returns (Seat memory) {
        return _seats[id][learner];
    }

    /// @notice A vote in a round.
    /// @param id the experiment's number
    /// @param round the round's number
    /// @param voter the voter's address
    /// @return the vote; empty where there is none
    function voteOf(uint256 id, uint256 round, address voter) external view returns (Vote memory) {
        return _votes[id][round][voter];
    }

    /// @notice The state of an experiment.
    /// @param id the experiment's number
    /// @return state the state, with what the time of the block has changed
    function stateOf(uint256 id) public view returns (State state) {
        state = _experiments[id].state;
        if (state == State.NONE) revert NoSuchExperiment(id);
        if (state == State.COMMIT && block.timestamp >= _experiments[id].due) return State.VOTE;
    }

    /// @notice When the window of the state ends. That of reveals follows that of commits, however that ended.
    /// @param id the experiment's number
    /// @return Unix seconds
    function dueOf(uint256 id) public view returns (uint256) {
        Experiment storage experiment = _experiments[id];
        return experiment.state == State.COMMIT && block.timestamp >= experiment.due
            ? experiment.due + _terms[id].voteWindow
            : experiment.due;
    }

    function _inState(uint256 id, State required) internal view returns (Experiment storage experiment) {
        State state = stateOf(id);
        if (state != required) revert WrongState(id, state);
        return _experiments[id];
    }

    function _inRound(uint256 id, uint256 round, State required) internal view returns (Experiment storage experiment) {
        experiment = _inState(id, required);
        if (round != experiment.round) revert WrongRound(round, experiment.round);
    }

    /// @dev Of how many the threshold is a share.
    function _electorate(uint256 id) internal view returns (uint256) {
        uint256 n = _learners[id].length;
        return rules.countsProposer ? n : n - 1;
    }

    /// @dev The round's outcome: enough votes, and approvals at the threshold or above it.
    function _passes(uint256 id) internal view returns (bool) {
        Experiment storage experiment = _experiments[id];
        uint256 all = _electorate(id);
        if (experiment.revealed * BPS < rules.quorumBps * all) return false;
        uint256 share = experiment.approvals * BPS;
        uint256 bar = _terms[id].thresholdBps * all;
        return rules.strict ? share > bar : share >= bar;
    }

    function _pay(uint256 id, address who, uint256 amount, Cause cause) internal {
        _experiments[id].held -= amount;
        _credit(id, who, amount, cause);
    }

    /// @dev A part of the stake of somebody who missed a duty. The bounty is not for fining oneself. Whoever has nothing
    /// left has no seat any more.
    function _fine(uint256 id, address who) internal {
        Seat storage seat = _seats[id][who];
        uint256 amount = uint256(_terms[id].stake) * rules.absenceBps / BPS;
        if (amount == 0) return;
        if (amount > seat.stake) amount = seat.stake;
        seat.stake -= uint128(amount);
        emit Slashed(id, _experiments[id].round, who, amount);
        uint256 bounty = msg.sender == who ? 0 : amount * rules.pokeBountyBps / BPS;
        _pay(id, msg.sender, bounty, Cause.BOUNTY);
        _experiments[id].held -= amount - bounty;
        _retain(id, amount - bounty, Cause.SLASH);
        if (seat.stake == 0) _leave(id, who);
    }

    /// @dev Give up a seat; the others keep their order.
    function _leave(uint256 id, address who) internal {
        Seat storage seat = _seats[id][who];
        _pay(id, who, seat.stake, Cause.STAKE);
        delete _seats[id][who];
        address[] storage learners = _learners[id];
        uint256 i;
        while (learners[i] != who) i++;
        for (; i + 1 < learners.length; i++) learners[i] = learners[i + 1];
        learners.pop();
        emit Left(id, who);
    }

    /// @dev Start a round, if one is left and enough learners are.
    function _begin(uint256 id, uint16 round) internal {
        uint256 n = _learners[id].length;
        if (round == _terms[id].rounds || n < rules.minLearners) return _close(id, State.FINISHED);
        uint256 place = rules.beaconOrder ? uint256(keccak256(abi.encode(block.prevrandao, id, round))) : round;
        Experiment storage experiment = _experiments[id];
        (experiment.state, experiment.round, experiment.proposer) = (State.PROPOSE, round, _learners[id][place % n]);
        (experiment.committed, experiment.revealed, experiment.approvals) = (0, 0, 0);
        experiment.due = uint40(block.timestamp + _terms[id].proposeWindow);
        emit RoundBegan(id, round, experiment.proposer, experiment.cid, experiment.due);
    }

    /// @dev The end: stakes go back to the learners, and what nobody earned to the convener.
    function _close(uint256 id, State state) internal {
        Experiment storage experiment = _experiments[id];
        experiment.state = state;
        address[] storage learners = _learners[id];
        for (uint256 i; i < learners.length; i++) {
            _pay(id, learners[i], _seats[id][learners[i]].stake, Cause.STAKE);
            delete _seats[id][learners[i]];
        }
        _pay(id, experiment.convener, experiment.held, Cause.REFUND);
        emit ExperimentClosed(id, state, experiment.cid, experiment.head);
    }
}
