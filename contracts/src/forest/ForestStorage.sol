// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Model, Packet, Proposal, Request, Rules, State, Terms, Worker} from "./ForestTypes.sol";
import {Cause, Vault} from "../common/Vault.sol";

/// @title ForestStorage: what communal models remember, tell and pay
/// @notice Invariant: `escrow` is the sum of what is held for each model, and one that is over holds nothing. A model
/// holds what is left of its rewards, the deposits of packets, the bonds of workers, the fees of requests that are not
/// over, and the dividends of the present epoch.
abstract contract ForestStorage is Vault {
    uint256 internal constant BPS = 10_000;

    Rules internal rules;
    uint256 public models; // how many were ever made; their ids count from 0
    uint256 public requests; // how many predictions were ever asked for; their numbers count from 0
    mapping(uint256 id => Model) internal _models;
    mapping(uint256 id => Terms) internal _terms;
    mapping(uint256 id => Packet[]) internal _packets;
    mapping(uint256 id => mapping(uint256 packet => bytes rows)) internal _rows;
    mapping(uint256 id => address[]) internal _crew; // the workers, in the order in which they enlisted
    mapping(uint256 id => mapping(address who => Worker)) internal _workers;
    mapping(uint256 id => address[]) internal _trees; // the accounts whose code the published trees are
    mapping(uint256 number => Request) internal _requests;
    mapping(uint256 id => mapping(bytes32 algorithm => Proposal)) internal _proposals;
    mapping(uint256 id => mapping(bytes32 algorithm => bool)) internal _allowed;

    event Slashed(uint256 indexed id, address indexed who, uint256 amount);

    error RuleOutOfRange(string rule, uint256 value);
    error NoSuchModel(uint256 id);
    error WrongState(uint256 id, State state);
    error WrongEpoch(uint256 sent, uint256 current);
    error TooEarly(uint256 time, uint256 from);
    error TooLate(uint256 time, uint256 until);
    error NotWorker(uint256 id, address who);
    error Full(uint256 id, uint256 count);

    constructor(IERC20 token_, Rules memory rules_) Vault(token_) {
        if (rules_.agreeing == 0) revert RuleOutOfRange("agreeing", 0);
        if (rules_.answers == 0) revert RuleOutOfRange("answers", 0);
        if (rules_.maxPackets == 0) revert RuleOutOfRange("maxPackets", 0);
        if (rules_.answerWindow == 0) revert RuleOutOfRange("answerWindow", 0);
        if (rules_.slashBps > BPS) revert RuleOutOfRange("slashBps", rules_.slashBps);
        if (rules_.voteBps > BPS) revert RuleOutOfRange("voteBps", rules_.voteBps);
        uint256 shares = uint256(rules_.dividendBps) + rules_.workerBps;
        if (shares > BPS) revert RuleOutOfRange("dividendBps + workerBps", shares);
        rules = rules_;
    }

    /// @notice A model.
    /// @param id the model's number
    /// @return the model as it stands
    function modelOf(uint256 id) external view returns (Model memory) {
        return _models[id];
    }

    /// @notice The packets that were ever handed in for a model.
    /// @param id the model's number
    /// @return all of them, in order
    function packetsOf(uint256 id) external view returns (Packet[] memory) {
        return _packets[id];
    }

    /// @notice The bytes of a packet, where they are on chain. They stay when the packet is forgotten: the slots of a
    /// mapping could be set to zero, but the transaction that brought them is in every node's history.
    /// @param id the model's number
    /// @param packet the packet's number
    /// @return the rows as they were sent
    function rowsOf(uint256 id, uint256 packet) external view returns (bytes memory) {
        return _rows[id][packet];
    }

    /// @notice Who works on a model.
    /// @param id the model's number
    /// @return their addresses in the order in which they enlisted
    function crewOf(uint256 id) external view returns (address[] memory) {
        return _crew[id];
    }

    /// @notice A request for a prediction.
    /// @param number the request's number
    /// @return the request as it stands
    function requestOf(uint256 number) external view returns (Request memory) {
        return _requests[number];
    }

    function _inState(uint256 id, State required) internal view returns (Model storage model) {
        model = _models[id];
        if (model.state == State.NONE) revert NoSuchModel(id);
        if (model.state != required) revert WrongState(id, model.state);
    }

    /// @dev The same, while its window lasts.
    function _open(uint256 id, State required) internal view returns (Model storage model) {
        model = _inState(id, required);
        if (block.timestamp >= model.due) revert TooLate(block.timestamp, model.due);
    }

    function _inEpoch(uint256 id, uint256 epoch, State required) internal view returns (Model storage model) {
        model = _open(id, required);
        if (epoch != model.epoch) revert WrongEpoch(epoch, model.epoch);
    }

    function _asWorker(uint256 id) internal view returns (Worker storage worker) {
        worker = _workers[id][msg.sender];
        if (!worker.enlisted) revert NotWorker(id, msg.sender);
    }

    function _take(uint256 id, uint256 amount) internal {
        _models[id].held += amount;
        _deposit(msg.sender, amount);
    }

    function _pay(uint256 id, address who, uint256 amount, Cause cause) internal {
        _models[id].held -= amount;
        _credit(id, who, amount, cause);
    }

    function _keep(uint256 id, uint256 amount, Cause cause) internal {
        _models[id].held -= amount;
        _retain(id, amount, cause);
    }

    /// @dev Take a part of a worker's bond. It stays held by the model; the caller says for whom.
    function _fine(uint256 id, address who) internal returns (uint256 amount) {
        Worker storage worker = _workers[id][who];
        amount = uint256(worker.bond) * rules.slashBps / BPS;
        worker.bond -= uint128(amount);
        if (amount != 0) emit Slashed(id, who, amount);
    }
}
