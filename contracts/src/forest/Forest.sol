// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Model, Rules, State, Terms} from "./ForestTypes.sol";
import {ForestStorage} from "./ForestStorage.sol";
import {Predictions} from "./Predictions.sol";
import {Cause} from "../common/Vault.sol";

/// @title Forest: everybody's records, one communal model, and its answers
/// @notice An epoch collects records, has workers train on all that stand, and serves predictions; then the next begins.
/// @dev Invariants: token.balanceOf(this) == escrow + owedTotal + treasury; the epoch only goes up; given somebody who
/// pokes, a model is over by epochs * (collectWindow + 2 * trainWindow + serveWindow) and the windows of its last requests.
contract Forest is Predictions {
    event ModelCreated(uint256 indexed id, address indexed steward, uint40 due, bytes32 algorithm, uint16 epochs, string context);
    event TrainingDue(uint256 indexed id, uint16 epoch, bytes32 dataset, bytes32 seed, bytes32 algorithm, uint40 due);
    event EpochBegan(uint256 indexed id, uint16 epoch, uint40 due);
    event ModelClosed(uint256 indexed id, uint16 epochs, bytes32 cid);

    error NothingToDo(uint256 epochs, uint256 algorithms);
    error TooFewWorkers(uint256 most, uint256 required);
    error NoTime(uint256 collectWindow, uint256 trainWindow, uint256 serveWindow);
    error RequestsAreOpen(uint256 id, uint256 open);

    constructor(IERC20 token_, Rules memory rules_) ForestStorage(token_, rules_) {}

    /// @notice Call for records and workers. Pulls the rewards of all epochs from the caller's allowance.
    /// @param t the terms that are offered
    /// @param algorithms the CIDs of names or code: the first is in force, the others may be proposed
    /// @param context for whoever reads the event
    /// @return id the new model's number
    function createModel(Terms calldata t, bytes32[] calldata algorithms, string calldata context)
        external
        returns (uint256 id)
    {
        if (t.epochs == 0 || algorithms.length == 0) revert NothingToDo(t.epochs, algorithms.length);
        if (t.maxWorkers < rules.agreeing) revert TooFewWorkers(t.maxWorkers, rules.agreeing);
        if (t.collectWindow == 0 || t.trainWindow == 0 || t.serveWindow == 0)
            revert NoTime(t.collectWindow, t.trainWindow, t.serveWindow);
        id = models++;
        Model storage model = _models[id];
        (model.steward, model.state, model.due) =
            (msg.sender, State.COLLECT, uint40(block.timestamp + t.collectWindow));
        model.algorithm = algorithms[0];
        _terms[id] = t;
        for (uint256 i; i < algorithms.length; i++) {
            _allowed[id][algorithms[i]] = true;
        }
        emit ModelCreated(id, msg.sender, model.due, algorithms[0], t.epochs, context);
        _take(id, uint256(t.reward) * t.epochs);
    }

    /// @notice Go on once a window is over, or all that it waits for is there. By anybody.
    /// @param id the model's number
    function advance(uint256 id) external {
        Model storage model = _models[id];
        State state = model.state;
        if (state == State.NONE) revert NoSuchModel(id);
        if (state == State.CLOSED) revert WrongState(id, state);
        bool all = state == State.REVEAL && model.revealed == model.committed;
        if (!all && block.timestamp < model.due) revert TooEarly(block.timestamp, model.due);
        if (state == State.COLLECT) _train(id);
        else if (state == State.TRAIN && model.committed != 0) _revealing(id);
        else if (state == State.SERVE) _next(id);
        else _tally(id);
    }

    /// @dev Fix the dataset and the randomness; without enough that is new the model stays as it is.
    function _train(uint256 id) private {
        Model storage model = _models[id];
        bytes32 root = _rootOf(id);
        if (rules.openDataset && model.dataset != 0) root = model.dataset;
        if (root == 0 || (model.fresh < rules.retrainBatch && model.cid != 0)) return _serve(id);
        address[] storage crew = _crew[id];
        for (uint256 i; i < crew.length; i++) {
            (_workers[id][crew[i]].seal, _workers[id][crew[i]].report) = (0, 0);
        }
        (model.committed, model.revealed, _agreed[id]) = (0, 0, 0);
        model.seed = sha256(abi.encode(block.prevrandao, id, model.epoch));
        (model.state, model.due) = (State.TRAIN, uint40(block.timestamp + _terms[id].trainWindow));
        if (!rules.openDataset) {
            model.dataset = root;
            emit DatasetUpdated(id, model.epoch, root, msg.sender);
        }
        emit TrainingDue(id, model.epoch, root, model.seed, model.algorithm, model.due);
    }

    /// @dev Pay the epoch's dividends, and wages where the contract answered; then the next epoch, or the end.
    function _next(uint256 id) private {
        Model storage model = _models[id];
        if (model.open != 0) revert RequestsAreOpen(id, model.open);
        (uint256 dividends, uint256 wages) = (model.dividends, model.wages);
        (model.dividends, model.wages) = (0, 0);
        _distribute(id, dividends);
        _wages(id, wages);
        if (++model.epoch == _terms[id].epochs) return _close(id);
        (model.state, model.due) = (State.COLLECT, uint40(block.timestamp + _terms[id].collectWindow));
        emit EpochBegan(id, model.epoch, model.due);
    }

    /// @dev To those whose report is the model, in equal parts. Where there was a wage there is a model.
    function _wages(uint256 id, uint256 amount) private {
        bytes32 hash = _agreed[id];
        uint256 part = amount == 0 ? 0 : amount / _support[id][_trained[id]][hash];
        address[] storage crew = _crew[id];
        for (uint256 i; i < crew.length && part != 0; i++) {
            if (_workers[id][crew[i]].report != hash) continue;
            amount -= part;
            _pay(id, crew[i], part, Cause.REWARD);
        }
        _keep(id, amount, Cause.FEE);
    }

    /// @dev Bonds and what is left of deposits go back, and the rewards that nobody earned.
    function _close(uint256 id) private {
        Model storage model = _models[id];
        model.state = State.CLOSED;
        address[] storage crew = _crew[id];
        for (uint256 i; i < crew.length; i++) {
            uint256 bond = _workers[id][crew[i]].bond;
            _workers[id][crew[i]].bond = 0;
            _pay(id, crew[i], bond, Cause.STAKE);
        }
        for (uint256 i; i < _packets[id].length; i++) {
            _returnDeposit(id, _packets[id][i]);
        }
        emit ModelClosed(id, model.epoch, model.cid);
        _pay(id, model.steward, model.held, Cause.REFUND);
    }
}
