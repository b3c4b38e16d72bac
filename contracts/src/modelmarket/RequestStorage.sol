// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Phase, Request, Rules, SlashTo, State, Submission} from "./ModelMarketTypes.sol";
import {Cause, Vault} from "../common/Vault.sol";

/// @title RequestStorage: what a request market remembers, tells and pays
/// @notice Invariant: `escrow` is the sum of what is held for each request, and a request that is over holds nothing.
/// A request holds its reward, its requester's stake, the stakes of the trainers who still stand, and the slashed
/// stakes that await the victims.
abstract contract RequestStorage is Vault {
    uint256 internal constant BPS = 10_000;

    Rules public rules;
    uint256 public requests; // how many were ever made; their ids count from 0
    mapping(uint256 id => Request) internal _requests;
    mapping(uint256 id => address[]) internal _trainers; // in the order of submission, without those who took back
    mapping(uint256 id => mapping(address trainer => Submission)) internal _submissions;
    mapping(uint256 id => bytes) internal _truths;

    event CandidatePicked(uint256 indexed id, address indexed trainer, uint32 correct, uint64 due);
    event StakeSlashed(uint256 indexed id, address indexed who, uint256 amount, SlashTo destination);
    event RequestClosed(uint256 indexed id, State state, address winner);

    error RuleOutOfRange(string rule, uint256 value);
    error NoSuchRequest(uint256 id);
    error WrongState(uint256 id, State state);
    error TooEarly(uint256 time, uint256 from);
    error WrongLength(uint256 sent, uint256 required);
    error WrongSeal(bytes32 sent, bytes32 required);
    error NotRequester(address who, address requester);

    constructor(IERC20 token_, Rules memory rules_) Vault(token_) {
        if (rules_.window == 0) revert RuleOutOfRange("window", 0);
        if (rules_.minSubmission < 60) revert RuleOutOfRange("minSubmission", rules_.minSubmission);
        if (rules_.pokeBountyBps > BPS) revert RuleOutOfRange("pokeBountyBps", rules_.pokeBountyBps);
        if (rules_.minAccuracyBps > BPS) revert RuleOutOfRange("minAccuracyBps", rules_.minAccuracyBps);
        if (rules_.feeBps > BPS) revert RuleOutOfRange("feeBps", rules_.feeBps);
        rules = rules_;
    }

    /// @notice Where a request stands, when that ends (Unix s; 0 when it is over), how many submissions were not taken
    /// back, and who is to open.
    /// @param id the request's number
    /// @return state the state
    /// @return due when the present window ends, Unix seconds
    /// @return submissions how many there are
    /// @return candidate whose claim is the best; zero before the pick
    function status(uint256 id)
        external
        view
        returns (State state, uint64 due, uint32 submissions, address candidate)
    {
        Request storage request = _requests[id];
        state = _stateOf(id);
        if (state == State.OPEN) due = request.deadline;
        else if (state == State.AWAIT_TRUTH) due = request.deadline + rules.window;
        else if (state == State.GROUNDED || state == State.CANDIDATE) due = request.due;
        return (state, due, uint32(_trainers[id].length), request.candidate);
    }

    /// @notice A request.
    /// @param id the request's number
    /// @return the request as it stands
    function requestOf(uint256 id) external view returns (Request memory) {
        return _requests[id];
    }

    /// @notice A trainer's submission.
    /// @param id the request's number
    /// @param trainer the trainer's address
    /// @return the submission; empty where there is none
    function submissionOf(uint256 id, address trainer) external view returns (Submission memory) {
        return _submissions[id][trainer];
    }

    /// @notice Who has submitted.
    /// @param id the request's number
    /// @return their addresses in the order of submission
    function trainersOf(uint256 id) external view returns (address[] memory) {
        return _trainers[id];
    }

    /// @notice The labels that were revealed.
    /// @param id the request's number
    /// @return the test set's labels; empty before they are revealed
    function truthOf(uint256 id) external view returns (bytes memory) {
        return _truths[id];
    }

    function _stateOf(uint256 id) internal view returns (State state) {
        state = _requests[id].state;
        if (state == State.NONE) revert NoSuchRequest(id);
        if (state == State.OPEN && block.timestamp >= _requests[id].deadline) return State.AWAIT_TRUTH;
    }

    function _inState(uint256 id, State required) internal view returns (Request storage request) {
        State state = _stateOf(id);
        if (state != required) revert WrongState(id, state);
        return _requests[id];
    }

    function _pay(uint256 id, address who, uint256 amount, Cause cause) internal {
        _requests[id].held -= amount;
        _credit(id, who, amount, cause);
    }

    function _keep(uint256 id, uint256 amount, Cause cause) internal {
        _requests[id].held -= amount;
        _retain(id, amount, cause);
    }

    /// @dev Take `stake`, and for a requester the `reward` too, from somebody who failed a duty. The bounty is of the
    /// stake, and not for slashing oneself. What goes to the victims stays held until the request is over.
    function _slash(uint256 id, address who, uint256 stake, uint256 reward) internal {
        SlashTo to = rules.slashTo;
        emit StakeSlashed(id, who, stake + reward, to);
        uint256 bounty = msg.sender == who ? 0 : stake * rules.pokeBountyBps / BPS;
        _pay(id, msg.sender, bounty, Cause.BOUNTY);
        uint256 rest = stake + reward - bounty;
        if (to == SlashTo.TREASURY) {
            _keep(id, rest, Cause.SLASH);
        } else if (to == SlashTo.BURN) {
            _requests[id].held -= rest;
            _burn(id, rest);
        }
    }

    /// @dev Slash a trainer, who has no further part in the request.
    function _slashTrainer(uint256 id, address trainer) internal {
        Request storage request = _requests[id];
        _submissions[id][trainer].phase = Phase.SLASHED;
        request.slashed++;
        _slash(id, trainer, request.stake, 0);
    }

    /// @dev The best claim of those who stand is the candidate, the earliest of equals; without any, the requester has
    /// its money back.
    function _next(uint256 id) internal {
        Request storage request = _requests[id];
        address[] storage trainers = _trainers[id];
        address best;
        uint32 most;
        for (uint256 i; i < trainers.length; i++) {
            Submission storage submission = _submissions[id][trainers[i]];
            if (submission.phase != Phase.REPORTED || submission.correct * BPS < rules.minAccuracyBps * uint256(request.size))
                continue;
            if (best == address(0) || submission.correct > most) (best, most) = (trainers[i], submission.correct);
        }
        if (best == address(0)) return _refund(id);
        (request.candidate, request.due, request.state) =
            (best, uint40(block.timestamp + rules.window), State.CANDIDATE);
        emit CandidatePicked(id, best, most, request.due);
    }

    /// @dev The end of a request that nobody answered, or nobody answered rightly.
    function _refund(uint256 id) internal {
        _pay(id, _requests[id].requester, uint256(_requests[id].reward) + rules.requesterStake, Cause.REFUND);
        _close(id, State.REFUNDED, address(0), 0);
    }

    /// @dev The end of a request, once the requester's reward and stake are accounted for, save for the part `forfeited`
    /// to the trainers. Stakes go back, except a loser's where the rules keep it; what is still held is the victims'.
    function _close(uint256 id, State state, address winner, uint256 forfeited) internal {
        Request storage request = _requests[id];
        request.state = state;
        bool refund = state == State.CANCELLED || state == State.PUNISHED || rules.loserRefund;
        address[] storage trainers = _trainers[id];
        for (uint256 i; i < trainers.length; i++) {
            address who = trainers[i];
            if (_submissions[id][who].phase == Phase.SLASHED) continue;
            if (refund || who == winner) _pay(id, who, request.stake, Cause.STAKE);
            else _keep(id, request.stake, Cause.STAKE);
        }
        _share(id, forfeited, Cause.REWARD);
        _share(id, request.held, Cause.SLASH);
        emit RequestClosed(id, state, winner);
    }

    /// @dev Equal parts for the trainers who stand, the remainder for the earliest; the treasury's when none stands.
    function _share(uint256 id, uint256 amount, Cause cause) private {
        if (amount == 0) return;
        address[] storage trainers = _trainers[id];
        uint256 standing = trainers.length - _requests[id].slashed;
        if (standing == 0) return _keep(id, amount, cause);
        uint256 part = amount / standing + amount % standing;
        for (uint256 i; i < trainers.length; i++) {
            if (_submissions[id][trainers[i]].phase == Phase.SLASHED) continue;
            _pay(id, trainers[i], part, cause);
            part = amount / standing;
        }
    }
}
