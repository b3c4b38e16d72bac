// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Answer, Model, Phase, Request, State} from "./ForestTypes.sol";
import {Inference} from "./Inference.sol";
import {Training} from "./Training.sol";
import {Cause} from "../common/Vault.sol";

/// @title Predictions: questions to the published model, and who answers them
/// @notice On chain the contract answers in the same transaction. Off chain workers do: a request is fulfilled by equal
/// answers, which the user may challenge; then the other workers answer too, and the value that most of them gave counts.
abstract contract Predictions is Training {
    mapping(uint256 number => Answer[]) internal _answers;

    event PredictionRequested(
        uint256 indexed id, uint256 request, address indexed user, uint16 epoch, bytes32 input, uint40 due
    );
    event Answered(uint256 indexed id, uint256 request, address indexed worker, int32 value);
    event PredictionReady(uint256 indexed id, uint256 request, address indexed user, int32 value, uint40 due);
    event Challenged(uint256 indexed id, uint256 request, address indexed user, uint40 due);
    event PredictionSettled(uint256 indexed id, uint256 request, Phase phase, int32 value);

    error WrongPlace(bool onChain);
    error WrongPhase(uint256 number, Phase phase);
    error NoModel(uint256 id, uint256 uploaded, uint256 chunks);
    error NotUser(address who, address user);
    error AlreadyAnswered(uint256 number, address who);

    /// @notice What the published model says of some features. A view: whoever has a node asks for nothing.
    /// @param id the model's number
    /// @param features as whole numbers, in the units of the records
    /// @return value the mean of the trees, rounded towards zero
    function predictOnChain(uint256 id, int32[] calldata features) public view returns (int32 value) {
        Model storage model = _models[id];
        if (model.root == 0 || model.uploaded != model.chunks) revert NoModel(id, model.uploaded, model.chunks);
        (int256 sum, uint256 trees) = Inference.sum(_trees[id], features);
        return int32(sum / int256(trees));
    }

    /// @notice Ask the contract, and pay for the answer.
    /// @param id the model's number
    /// @param features as whole numbers, in the units of the records
    /// @return value the mean of the trees, rounded towards zero
    function makePrediction(uint256 id, int32[] calldata features) external returns (int32 value) {
        if (!rules.onChain) revert WrongPlace(false);
        Model storage model = _open(id, State.SERVE);
        value = predictOnChain(id, features);
        uint256 fee = rules.predictionFee;
        _take(id, fee);
        uint256 wage = fee * rules.workerBps / BPS;
        model.wages += wage;
        _share(id, fee, wage);
        emit PredictionReady(id, requests++, msg.sender, value, uint40(block.timestamp));
    }

    /// @notice Ask the workers, and put up the fee.
    /// @param id the model's number
    /// @param input SHA-256 of the features, which the workers have off the chain
    /// @return number the request's number
    function requestPrediction(uint256 id, bytes32 input) external returns (uint256 number) {
        if (rules.onChain) revert WrongPlace(true);
        Model storage model = _open(id, State.SERVE);
        if (model.cid == 0) revert NoModel(id, 0, 0);
        number = requests++;
        uint40 due = uint40(block.timestamp + rules.answerWindow);
        uint128 fee = rules.predictionFee;
        Request storage request = _requests[number];
        (request.model, request.user, request.phase) = (id, msg.sender, Phase.REQUESTED);
        (request.due, request.fee) = (due, fee);
        model.open++;
        emit PredictionRequested(id, number, msg.sender, model.epoch, input, due);
        _take(id, fee);
    }

    /// @notice Answer a request. By a worker, once. Enough equal answers fulfil it.
    /// @param number the request's number
    /// @param value the answer
    function fulfill(uint256 number, int32 value) external {
        Request storage request = _requests[number];
        uint256 id = request.model;
        _asWorker(id);
        if (request.phase != Phase.REQUESTED && request.phase != Phase.CHALLENGED) revert WrongPhase(number, request.phase);
        if (block.timestamp >= request.due) revert TooLate(block.timestamp, request.due);
        Answer[] storage answers = _answers[number];
        for (uint256 i; i < answers.length; i++) {
            if (answers[i].worker == msg.sender) revert AlreadyAnswered(number, msg.sender);
        }
        answers.push(Answer(msg.sender, value));
        emit Answered(id, number, msg.sender, value);
        if (request.phase == Phase.REQUESTED && _count(number, value) == rules.answers) {
            (request.value, request.phase) = (value, Phase.ANSWERED);
            request.due = uint40(block.timestamp + rules.challengeWindow);
            emit PredictionReady(id, number, request.user, value, request.due);
            if (rules.challengeWindow == 0) _fulfil(number, Phase.FULFILLED);
        }
    }

    /// @notice Doubt an answer: the other workers are to answer too. By the user, with a bond.
    /// @param number the request's number
    function challenge(uint256 number) external {
        Request storage request = _requests[number];
        if (request.user != msg.sender) revert NotUser(msg.sender, request.user);
        if (request.phase != Phase.ANSWERED) revert WrongPhase(number, request.phase);
        if (block.timestamp >= request.due) revert TooLate(block.timestamp, request.due);
        (request.phase, request.due) = (Phase.CHALLENGED, uint40(block.timestamp + rules.answerWindow));
        emit Challenged(request.model, number, msg.sender, request.due);
        _take(request.model, rules.challengeBond);
    }

    /// @notice End a request whose time is over, or whose every worker has answered. By anybody.
    /// @param number the request's number
    function settle(uint256 number) external {
        Request storage request = _requests[number];
        uint256 id = request.model;
        if (request.phase < Phase.REQUESTED || request.phase > Phase.CHALLENGED) revert WrongPhase(number, request.phase);
        bool all = request.phase != Phase.ANSWERED && _answers[number].length == _crew[id].length;
        if (!all && block.timestamp < request.due) revert TooEarly(block.timestamp, request.due);
        if (request.phase == Phase.CHALLENGED) _judge(number);
        else _fulfil(number, request.phase == Phase.ANSWERED ? Phase.FULFILLED : Phase.REFUNDED);
    }

    /// @dev How many answered so.
    function _count(uint256 number, int32 value) private view returns (uint256 count) {
        Answer[] storage answers = _answers[number];
        for (uint256 i; i < answers.length; i++) {
            if (answers[i].value == value) count++;
        }
    }

    /// @dev The value that most answers have. Where two have equally many nobody is right, and nobody pays.
    function _judge(uint256 number) private {
        Request storage request = _requests[number];
        Answer[] storage answers = _answers[number];
        (int32 best, uint256 most, bool tie) = (request.value, _count(number, request.value), false);
        for (uint256 i; i < answers.length; i++) {
            uint256 count = _count(number, answers[i].value);
            if (count > most) (best, most, tie) = (answers[i].value, count, false);
            else if (count == most && answers[i].value != best) tie = true;
        }
        Phase phase = tie ? Phase.REFUNDED : best == request.value ? Phase.FULFILLED : Phase.OVERTURNED;
        request.value = best;
        _fulfil(number, phase);
    }

    /// @dev The end of a request. Who answered rightly shares the wage, the bonds of who answered otherwise and, where a
    /// challenge failed, the challenger's; where it did not, the user has fee and bond back.
    function _fulfil(uint256 number, Phase phase) private {
        Request storage request = _requests[number];
        uint256 id = request.model;
        bool challenged = request.phase == Phase.CHALLENGED;
        request.phase = phase;
        _models[id].open--;
        emit PredictionSettled(id, number, phase, request.value);
        uint256 pool = challenged && phase == Phase.FULFILLED ? rules.challengeBond : 0;
        if (phase == Phase.FULFILLED) {
            uint256 wage = uint256(request.fee) * rules.workerBps / BPS;
            _share(id, request.fee, wage);
            pool += wage;
        } else {
            _pay(id, request.user, request.fee, Cause.REFUND);
            if (challenged) _pay(id, request.user, rules.challengeBond, Cause.STAKE);
        }
        if (phase != Phase.REFUNDED) _reward(number, pool);
    }

    function _reward(uint256 number, uint256 pool) private {
        (uint256 id, int32 value) = (_requests[number].model, _requests[number].value);
        Answer[] storage answers = _answers[number];
        uint256 right = _count(number, value);
        for (uint256 i; i < answers.length; i++) {
            if (answers[i].value != value) pool += _fine(id, answers[i].worker);
        }
        for (uint256 i; i < answers.length; i++) {
            if (answers[i].value == value) _pay(id, answers[i].worker, pool / right, Cause.REWARD);
        }
        _keep(id, pool % right, Cause.FEE);
    }

    /// @dev Of a fee, less the wage: the dividends stay held until the epoch ends, and the rest is the treasury's.
    function _share(uint256 id, uint256 fee, uint256 wage) private {
        uint256 dividends = fee * rules.dividendBps / BPS;
        _models[id].dividends += dividends;
        _keep(id, fee - wage - dividends, Cause.FEE);
    }
}
