// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Phase, Request, Rules, SlashTo, State, Submission, Terms} from "./ModelMarketTypes.sol";
import {RequestStorage} from "./RequestStorage.sol";
import {Commitments} from "../common/Commitments.sol";
import {TestSplit} from "./TestSplit.sol";
import {Cause} from "../common/Vault.sol";

/// @title ModelMarket: a request for a model, answered by committed predictions, judged by committed labels
/// @notice A requester locks a reward and the seal of a test set's labels. Trainers seal their models and predictions
/// behind a stake. The labels are opened, trainers claim their counts, and the best claim must open what it sealed: it
/// is paid if everything checks out, and slashed for the next best if not.
/// @dev Invariants: token.balanceOf(this) == escrow + owedTotal + treasury; each reward leaves escrow exactly once; a
/// stake is lost only for a missed or a failed duty (and a loser's where `loserRefund` is off); given somebody who
/// pokes, a request is over by deadline + window * (2 + submissions). A requester who trains for itself cannot be told
/// from anybody else: the fee and its stake are what that costs. With `beacon` it does not choose the test rows.
contract ModelMarket is TestSplit {
    event RequestCreated(
        uint256 indexed id,
        address indexed requester,
        uint128 reward,
        uint128 stake,
        uint64 deadline,
        uint32 size,
        bytes32 trainCid,
        bytes32 testCid,
        bytes32 truthSeal,
        string context
    );
    event ModelSubmitted(uint256 indexed id, address indexed trainer);
    event SubmissionCancelled(uint256 indexed id, address indexed trainer);
    event TruthUploaded(uint256 indexed id, uint64 due);
    event AccuracyClaimed(uint256 indexed id, address indexed trainer, uint32 correct);
    event ModelAccepted(uint256 indexed id, address indexed trainer, bytes32 modelCid);

    error TooLate(uint256 time, uint256 until);
    error WindowTooShort(uint256 sent, uint256 required);
    error ClaimTooHigh(uint256 correct, uint256 size);
    error AlreadySubmitted(uint256 id, address trainer);
    error AlreadyReported(uint256 id, address trainer);
    error Full(uint256 id, uint256 submissions);
    error NotTrainer(uint256 id, address who);
    error NotCandidate(address who, address candidate);

    constructor(IERC20 token_, Rules memory rules_) RequestStorage(token_, rules_) {}

    /// @notice Ask for a model. Pulls the reward and the requester's stake from the caller's allowance.
    /// @param t the terms that are offered
    /// @return id the new request's number
    function createRequest(Terms calldata t) external returns (uint256 id) {
        if (t.submissionWindow < rules.minSubmission) revert WindowTooShort(t.submissionWindow, rules.minSubmission);
        if (t.size == 0) revert WrongLength(0, 1);
        id = requests++;
        Request storage request = _requests[id];
        (request.requester, request.deadline, request.size) =
            (msg.sender, uint64(block.timestamp) + t.submissionWindow, t.size);
        (request.reward, request.stake, request.truthSeal, request.state) =
            (t.reward, t.stake, t.truthSeal, State.OPEN);
        request.held = uint256(t.reward) + rules.requesterStake;
        if (rules.beacon) _seal(id, t.rows, t.size);
        emit RequestCreated(
            id, msg.sender, t.reward, t.stake, request.deadline, t.size, t.trainCid, t.testCid, t.truthSeal, t.context
        );
        _deposit(msg.sender, request.held);
    }

    /// @notice Give a request up before its truth is out. Free without submissions; otherwise the reward is the
    /// trainers', and past the deadline the stake is slashed too, so that to cancel is never cheaper than to withhold;
    /// and so it is once the test rows are drawn, so that nobody draws until it likes what it sees.
    /// @param id the request's number
    function cancelRequest(uint256 id) external {
        State state = _stateOf(id);
        if (state != State.OPEN && state != State.AWAIT_TRUTH) revert WrongState(id, state);
        Request storage request = _requests[id];
        if (msg.sender != request.requester) revert NotRequester(msg.sender, request.requester);
        bool answered = _trainers[id].length != 0;
        bool late = _splits[id].seed != 0 || (answered && state == State.AWAIT_TRUTH);
        if (late) _slash(id, msg.sender, rules.requesterStake, 0);
        else _pay(id, msg.sender, rules.requesterStake, Cause.REFUND);
        if (!answered) _pay(id, msg.sender, request.reward, Cause.REFUND);
        _close(id, State.CANCELLED, address(0), answered ? request.reward : 0);
    }

    /// @notice Commit to a model and its predictions. Pulls the stake; one submission per address at a time.
    /// @param id the request's number
    /// @param modelSeal the commitment to the model's CID
    /// @param predictionSeal the commitment to the hash of the predictions
    function submitModel(uint256 id, bytes32 modelSeal, bytes32 predictionSeal) external {
        Request storage request = _inState(id, State.OPEN);
        if (_submissions[id][msg.sender].phase != Phase.NONE) revert AlreadySubmitted(id, msg.sender);
        address[] storage trainers = _trainers[id];
        uint256 most = rules.maxSubmissions;
        if (most != 0 && trainers.length >= most) revert Full(id, most);
        trainers.push(msg.sender);
        _submissions[id][msg.sender] = Submission(modelSeal, predictionSeal, 0, Phase.COMMITTED);
        request.held += request.stake;
        emit ModelSubmitted(id, msg.sender);
        _deposit(msg.sender, request.stake);
    }

    /// @notice Take a submission back, before the deadline, for the whole stake. The others keep their order.
    /// @param id the request's number
    function cancelSubmission(uint256 id) external {
        Request storage request = _inState(id, State.OPEN);
        if (_submissions[id][msg.sender].phase == Phase.NONE) revert NotTrainer(id, msg.sender);
        delete _submissions[id][msg.sender];
        address[] storage trainers = _trainers[id];
        uint256 i;
        while (trainers[i] != msg.sender) i++;
        for (; i + 1 < trainers.length; i++) trainers[i] = trainers[i + 1];
        trainers.pop();
        emit SubmissionCancelled(id, msg.sender);
        _pay(id, msg.sender, request.stake, Cause.STAKE);
    }

    /// @notice Open what was sealed, the test set's labels or all rows', one byte each, within a window of the deadline.
    /// By the requester.
    /// @param id the request's number
    /// @param labels the test set's labels, or all rows', one byte each
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    function uploadTruth(uint256 id, bytes calldata labels, bytes32 salt) external {
        Request storage request = _inState(id, State.AWAIT_TRUTH);
        if (msg.sender != request.requester) revert NotRequester(msg.sender, request.requester);
        if (block.timestamp >= request.deadline + rules.window)
            revert TooLate(block.timestamp, request.deadline + rules.window);
        uint256 length = rules.beacon ? _splits[id].rows : request.size;
        if (labels.length != length) revert WrongLength(labels.length, length);
        bytes32 seal = Commitments.ofTruth(labels, salt, rules.salted);
        if (seal != request.truthSeal) revert WrongSeal(seal, request.truthSeal);
        if (rules.beacon) _truths[id] = _drawn(id, labels);
        else _truths[id] = labels;
        (request.state, request.due) = (State.GROUNDED, uint40(block.timestamp + rules.window));
        emit TruthUploaded(id, request.due);
    }

    /// @notice Report how many of one's predictions are right, once, within the window.
    /// @param id the request's number
    /// @param correct right test answers (a count)
    function claimAccuracy(uint256 id, uint32 correct) external {
        Request storage request = _inState(id, State.GROUNDED);
        Submission storage submission = _submissions[id][msg.sender];
        if (submission.phase == Phase.NONE) revert NotTrainer(id, msg.sender);
        if (submission.phase != Phase.COMMITTED) revert AlreadyReported(id, msg.sender);
        if (block.timestamp >= request.due) revert TooLate(block.timestamp, request.due);
        if (correct > request.size) revert ClaimTooHigh(correct, request.size);
        (submission.correct, submission.phase) = (correct, Phase.REPORTED);
        request.claimed++;
        emit AccuracyClaimed(id, msg.sender, correct);
    }

    /// @notice Slash those who did not report, and pick the best claim. By anybody, once all have reported or the
    /// window is over.
    /// @param id the request's number
    function pickCandidate(uint256 id) external {
        Request storage request = _inState(id, State.GROUNDED);
        address[] storage trainers = _trainers[id];
        if (request.claimed < trainers.length) {
            if (block.timestamp < request.due) revert TooEarly(block.timestamp, request.due);
            for (uint256 i; i < trainers.length; i++) {
                if (_submissions[id][trainers[i]].phase == Phase.COMMITTED) _slashTrainer(id, trainers[i]);
            }
        }
        _next(id);
    }

    /// @notice Open one's seals as the candidate. If both hold and the count is as claimed, the reward is paid;
    /// otherwise the stake is lost, and the next best claim is the candidate.
    /// @param id the request's number
    /// @param predictions one byte a test item
    /// @param modelCid the model's CID, SHA-256 of its bytes
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    function openModel(uint256 id, bytes calldata predictions, bytes32 modelCid, bytes32 salt) external {
        Request storage request = _inState(id, State.CANDIDATE);
        if (msg.sender != request.candidate) revert NotCandidate(msg.sender, request.candidate);
        if (block.timestamp >= request.due) revert TooLate(block.timestamp, request.due);
        Submission storage submission = _submissions[id][msg.sender];
        bool opened = predictions.length == request.size
            && Commitments.ofWork(modelCid, salt, msg.sender, rules.salted) == submission.modelSeal
            && Commitments.ofWork(sha256(predictions), salt, msg.sender, rules.salted) == submission.predictionSeal;
        if (!opened || Commitments.agreement(predictions, _truths[id]) != submission.correct) {
            _slashTrainer(id, msg.sender);
            return _next(id);
        }
        emit ModelAccepted(id, msg.sender, modelCid);
        uint256 fee = uint256(request.reward) * rules.feeBps / BPS;
        _keep(id, fee, Cause.FEE);
        _pay(id, msg.sender, request.reward - fee, Cause.REWARD);
        _pay(id, request.requester, rules.requesterStake, Cause.REFUND);
        _close(id, State.SUCCESS, msg.sender, 0);
    }

    /// @notice Act on a duty that was missed: the requester's, once the truth is overdue, or the candidate's. A request
    /// that nobody answered is refunded from its deadline on, without the stake where nobody could train.
    /// @param id the request's number
    function enforceTimeout(uint256 id) external {
        State state = _stateOf(id);
        Request storage request = _requests[id];
        if (state == State.AWAIT_TRUTH && _trainers[id].length == 0) {
            if (!_hoarded(id)) return _refund(id);
            _slash(id, request.requester, rules.requesterStake, 0);
            _pay(id, request.requester, request.reward, Cause.REFUND);
            _close(id, State.REFUNDED, address(0), 0);
        } else if (state == State.AWAIT_TRUTH) {
            if (block.timestamp < request.deadline + rules.window) {
                revert TooEarly(block.timestamp, request.deadline + rules.window);
            }
            _slash(id, request.requester, rules.requesterStake, request.reward);
            _close(id, State.PUNISHED, address(0), rules.slashTo == SlashTo.VICTIMS ? request.reward : 0);
        } else if (state == State.CANDIDATE) {
            if (block.timestamp < request.due) revert TooEarly(block.timestamp, request.due);
            _slashTrainer(id, request.candidate);
            _next(id);
        } else {
            revert WrongState(id, state);
        }
    }
}
