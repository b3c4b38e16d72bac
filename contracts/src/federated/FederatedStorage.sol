// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Client, FederatedRules, Job, Pot, State} from "./FederatedTypes.sol";
import {Cause, Vault} from "../common/Vault.sol";

/// @title FederatedStorage: what a market for federated training remembers, tells and pays
/// @notice Invariant: `escrow` is the sum of what the jobs hold and of what is left in the pots of their rounds; a job
/// that is over holds nothing. A job holds the rewards and fees of the rounds to come, and everybody's bonds.
abstract contract FederatedStorage is Vault {
    uint256 internal constant BPS = 10_000;

    FederatedRules internal rules;
    uint256 public jobs; // how many were ever made; their ids count from 0
    mapping(uint256 id => Job) internal _jobs;
    mapping(uint256 id => address[]) internal _clients; // in the order of joining: their places
    mapping(uint256 id => mapping(address who => Client)) internal _clientOf;
    mapping(uint256 id => address[]) internal _panel; // the validators
    mapping(uint256 id => mapping(address who => bool)) internal _onPanel; // with a bond that is not lost
    mapping(uint256 id => mapping(uint256 round => Pot)) internal _pots;
    mapping(uint256 id => mapping(bytes32 cid => bool)) internal _seen; // models that the job knows

    event RoundOpened(uint256 indexed id, uint16 indexed round, bytes32 base, uint64 due);
    event RoundSealed(uint256 indexed id, uint16 indexed round, uint16 handed, uint64 due);
    event InputsComplete(uint256 indexed id, uint16 indexed round, uint16 opened, bytes32 beacon, uint64 due);
    event BondSlashed(uint256 indexed id, address indexed who, uint256 amount);
    event JobClosed(uint256 indexed id, State state, uint16 rounds, bytes32 model);

    error RuleOutOfRange(string rule, uint256 value);
    error NoSuchJob(uint256 id);
    error WrongState(uint256 id, State state);

    constructor(IERC20 token_, FederatedRules memory rules_) Vault(token_) {
        if (rules_.enrolWindow == 0) revert RuleOutOfRange("enrolWindow", 0);
        if (rules_.trainWindow == 0) revert RuleOutOfRange("trainWindow", 0);
        if (rules_.claimWindow == 0) revert RuleOutOfRange("claimWindow", 0);
        if (rules_.sealedUpdates && rules_.openWindow == 0) revert RuleOutOfRange("openWindow", 0);
        if (rules_.maxValidators == 0) revert RuleOutOfRange("maxValidators", 0);
        if (rules_.maxGainBps > BPS) revert RuleOutOfRange("maxGainBps", rules_.maxGainBps);
        rules = rules_;
    }

    /// @notice The rules that hold for all.
    /// @return the contract's rules
    function rulesOf() external view returns (FederatedRules memory) {
        return rules;
    }

    /// @notice A job.
    /// @param id the job's number
    /// @return the job as it stands
    function jobOf(uint256 id) external view returns (Job memory) {
        return _jobs[id];
    }

    /// @notice A client's place in a job.
    /// @param id the job's number
    /// @param who the account
    /// @return the client's place; empty for a stranger
    function clientOf(uint256 id, address who) external view returns (Client memory) {
        return _clientOf[id][who];
    }

    /// @notice Who has a place as a client.
    /// @param id the job's number
    /// @return their addresses in the order of their places
    function clientsOf(uint256 id) external view returns (address[] memory) {
        return _clients[id];
    }

    /// @notice Who is on a job's panel of validators.
    /// @param id the job's number
    /// @return the validators' addresses in the order of joining
    function panelOf(uint256 id) external view returns (address[] memory) {
        return _panel[id];
    }

    /// @notice The pot of a round.
    /// @param id the job's number
    /// @param round the round's number
    /// @return what is left of the round's rewards, and where its vouchers are
    function potOf(uint256 id, uint256 round) external view returns (Pot memory) {
        return _pots[id][round];
    }

    function _inState(uint256 id, State required) internal view returns (Job storage job) {
        job = _jobs[id];
        if (job.state == State.NONE) revert NoSuchJob(id);
        if (job.state != required) revert WrongState(id, job.state);
    }

    function _pay(uint256 id, address who, uint256 amount, Cause cause) internal {
        _jobs[id].held -= amount;
        _credit(id, who, amount, cause);
    }

    /// @dev Take a bond from somebody who failed a duty: the contract's for good, but for the bounty of who showed it.
    function _slash(uint256 id, address who, uint256 amount, uint256 bounty) internal {
        emit BondSlashed(id, who, amount);
        _jobs[id].held -= amount - bounty;
        _retain(id, amount - bounty, Cause.SLASH);
    }

    /// @dev A client's fall: it has no further part in the job.
    function _expel(uint256 id, address who) internal {
        Job storage job = _jobs[id];
        _clientOf[id][who].out = true;
        job.active--;
        _slash(id, who, job.bond, 0);
    }

    /// @dev What the next round may cost at most.
    function _price(uint256 id) internal view returns (uint256) {
        return uint256(_jobs[id].reward) * _jobs[id].active + uint256(rules.validatorFee) * _jobs[id].panel;
    }

    /// @dev What the bonds in `held` amount to.
    function _bonds(uint256 id) internal view returns (uint256) {
        return uint256(_jobs[id].bond) * _jobs[id].active + uint256(rules.validatorBond) * _jobs[id].panel;
    }

    /// @dev Start the next round, unless all are over, nobody is left, or the escrow is empty.
    function _nextRound(uint256 id) internal {
        Job storage job = _jobs[id];
        if (job.panel == 0) return _close(id, State.VOID);
        bool last = job.round == job.rounds || job.active == 0;
        if (last || (!rules.reserved && job.held < _bonds(id) + _price(id))) return _close(id, State.COMPLETED);
        (job.round, job.handed, job.opened, job.revealed, job.inputs) = (job.round + 1, 0, 0, false, 0);
        (job.state, job.due) = (State.TRAINING, uint40(block.timestamp) + rules.trainWindow);
        _seen[id][job.base] = true;
        emit RoundOpened(id, job.round, job.base, job.due);
    }

    /// @dev The round's training is over: open what is sealed, or validate what is open. Without any update there is
    /// nothing to do but to expel those who owed one.
    function _seal(uint256 id) internal {
        Job storage job = _jobs[id];
        if (job.handed == 0) {
            _expelIdle(id);
            return _nextRound(id);
        }
        if (!rules.sealedUpdates) return _complete(id);
        (job.state, job.due) = (State.OPENING, uint40(block.timestamp) + rules.openWindow);
        emit RoundSealed(id, job.round, job.handed, job.due);
    }

    /// @dev The round's inputs are complete: validators owe a claim.
    function _complete(uint256 id) internal {
        Job storage job = _jobs[id];
        (job.state, job.due) = (State.VALIDATING, uint40(block.timestamp) + rules.claimWindow);
        job.beacon = bytes32(block.prevrandao);
        emit InputsComplete(id, job.round, job.opened, job.beacon, job.due);
    }

    /// @dev Those who have no update in this round that can be fetched lose bond and place.
    function _expelIdle(uint256 id) internal {
        address[] storage clients = _clients[id];
        uint16 round = _jobs[id].round;
        for (uint256 i; i < clients.length; i++) {
            Client storage client = _clientOf[id][clients[i]];
            if (!client.out && client.opened != round) _expel(id, clients[i]);
        }
    }

    /// @dev The end of a job: bonds go back to those who kept them, and what is left to the sponsor.
    function _close(uint256 id, State state) internal {
        Job storage job = _jobs[id];
        job.state = state;
        for (uint256 i; i < _clients[id].length; i++) {
            if (!_clientOf[id][_clients[id][i]].out) _pay(id, _clients[id][i], job.bond, Cause.STAKE);
        }
        for (uint256 i; i < _panel[id].length; i++) {
            if (_onPanel[id][_panel[id][i]]) _pay(id, _panel[id][i], rules.validatorBond, Cause.STAKE);
        }
        _pay(id, job.sponsor, job.held, Cause.REFUND);
        emit JobClosed(id, state, job.round, job.base);
    }
}
