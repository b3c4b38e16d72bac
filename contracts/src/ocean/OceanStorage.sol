// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {DataNFT} from "./DataNFT.sol";
import {Answer, Asset, Auth, Funds, Job, Node, Rules, State} from "./OceanTypes.sol";
import {Cause, Vault} from "../common/Vault.sol";

/// @title OceanStorage: what the data market remembers, tells and pays
/// @notice Invariant: `escrow` is the sum of the consumers' deposits, of what assets were paid and have not collected,
/// and of what is held for each job; a job that is over holds nothing.
abstract contract OceanStorage is Vault {
    uint256 internal constant BPS = 10_000;
    uint256 internal constant ONE = 1e18;
    uint256 internal constant NO_JOB = type(uint256).max; // what moves money for no job

    Rules internal rules;
    address internal immutable datatokenCode; // what datatokens are clones of
    DataNFT public immutable nft;
    uint256 public assets; // how many were published; their ids, and their NFTs', count from 1
    uint256 public jobs; // how many were ever started; their ids count from 0
    mapping(uint256 id => Asset) public assetOf;
    mapping(uint256 id => uint256) internal _list; // how often a list of what is trusted was given: the last one counts
    mapping(uint256 id => mapping(uint256 list => mapping(bytes32 => bool))) internal _trusted; // hashes, publishers
    mapping(uint256 id => Job) internal _jobs;
    mapping(uint256 id => address[]) internal _pool; // who stand by as auditors; those who were drawn come first
    mapping(uint256 id => mapping(address who => Answer)) public answerOf; // what somebody says came out of a job
    mapping(address payer => Funds) public fundsOf;
    mapping(address payer => mapping(address payee => Auth)) public authOf;
    mapping(address node => Node) public nodeOf;
    mapping(address consumer => uint256) public nonces; // orders with a fee that was signed for them
    mapping(address consumer => uint256) public freeUsed; // jobs in the free tier
    mapping(address consumer => bool) internal bought; // whether it ever gave a datatoken up

    event Unlocked(uint256 indexed id, uint256 amount, uint256 paid);
    event JobClosed(uint256 indexed id, State state, uint8 status, bytes32 result, address indexed winner);

    error RuleOutOfRange(string rule, uint256 value);
    error NoSuchJob(uint256 id);
    error WrongState(uint256 id, State state);
    error WrongSender(address who, address required);
    error TooEarly(uint256 time, uint256 from);
    error TooLate(uint256 time, uint256 until);

    constructor(IERC20 token_, Rules memory rules_, address code, DataNFT nft_) Vault(token_) {
        if (rules_.swapFee > ONE) revert RuleOutOfRange("swapFee", rules_.swapFee);
        if (rules_.consumeFee > ONE) revert RuleOutOfRange("consumeFee", rules_.consumeFee);
        if (rules_.escrowFeeBps > BPS) revert RuleOutOfRange("escrowFeeBps", rules_.escrowFeeBps);
        if (rules_.auditBps > BPS) revert RuleOutOfRange("auditBps", rules_.auditBps);
        if (rules_.lockWindow == 0) revert RuleOutOfRange("lockWindow", 0);
        if (rules_.jobSeconds == 0) revert RuleOutOfRange("jobSeconds", 0);
        if (rules_.auditors != 0 && rules_.auditWindow == 0) revert RuleOutOfRange("auditWindow", 0);
        if (rules_.auditors > 16) revert RuleOutOfRange("auditors", rules_.auditors);
        rules = rules_;
        (datatokenCode, nft) = (code, nft_);
    }

    /// @notice How far a job is.
    /// @param id its number
    /// @return state the state
    /// @return due Unix seconds: the end of the state's window
    /// @return answered of the auditors who were drawn, who have committed; then, with the provider, who have revealed
    /// @return panel how many were drawn
    /// @return locked of the consumer's deposit
    /// @return held the job's part of the escrow, its lock aside
    function jobOf(uint256 id)
        external
        view
        returns (State state, uint256 due, uint256 answered, uint256 panel, uint256 locked, uint256 held)
    {
        Job storage job = _jobs[id];
        return (job.state, job.due, job.answered, job.panel, job.locked, job.held);
    }

    /// @notice Who stand by as auditors of a job; those who were drawn come first.
    /// @param id the job's number
    /// @return their addresses
    function poolOf(uint256 id) external view returns (address[] memory) {
        return _pool[id];
    }

    function _inState(uint256 id, State required) internal view returns (Job storage job) {
        return _between(id, required, required);
    }

    function _between(uint256 id, State first, State last) internal view returns (Job storage job) {
        job = _jobs[id];
        if (job.state == State.NONE) revert NoSuchJob(id);
        if (job.state < first || job.state > last) revert WrongState(id, job.state);
    }

    function _only(address required) internal view {
        if (msg.sender != required) revert WrongSender(msg.sender, required);
    }

    function _before(uint256 until) internal view {
        if (block.timestamp >= until) revert TooLate(block.timestamp, until);
    }

    function _from(uint256 time) internal view {
        if (block.timestamp < time) revert TooEarly(block.timestamp, time);
    }

    /// @dev Out of what is held for a job.
    function _pay(uint256 id, address who, uint256 amount, Cause cause) internal {
        _jobs[id].held -= amount;
        _credit(id, who, amount, cause);
    }

    /// @dev Into what is held for a job, from somebody's allowance.
    function _hold(uint256 id, uint256 amount) internal {
        _jobs[id].held += amount;
        _deposit(msg.sender, amount);
    }

    /// @dev End a consumer's lock; what is not paid of it is the consumer's again.
    function _unlock(uint256 id, uint256 paid) internal {
        Job storage job = _jobs[id];
        Funds storage funds = fundsOf[job.consumer];
        Auth storage auth = authOf[job.consumer][job.provider];
        funds.locked -= job.locked;
        funds.available += job.locked - paid;
        auth.amount -= job.locked;
        auth.locks--;
        emit Unlocked(id, job.locked, paid);
        job.locked = 0;
        job.held += paid;
    }

    function _close(uint256 id, State state, bytes32 result, address winner) internal {
        _jobs[id].state = state;
        emit JobClosed(id, state, _jobs[id].status, result, winner);
    }
}
