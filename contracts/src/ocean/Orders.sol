// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Asset, Job, Order, ProviderFee, State} from "./OceanTypes.sol";
import {Datatoken} from "./Datatoken.sol";
import {Escrow} from "./Escrow.sol";
import {Cause} from "../common/Vault.sol";

/// @title Orders: one datatoken for a job, an order used again, providers' fees, and the free tier
abstract contract Orders is Escrow {
    uint32 private constant FREE_MINUTES = 1; // of a job in the free tier
    bytes32 private constant DOMAIN = keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
    bytes32 private constant FEE = keccak256(
        "Fee(address consumer,uint256 asset,uint32 minutes,uint256 nonce,address payee,address token,uint256 amount,uint40 validUntil,bytes data)"
    );

    event OrderStarted(
        uint256 indexed id,
        uint256 indexed asset,
        address indexed consumer,
        uint256 algorithm,
        bytes32 raw,
        address provider,
        uint256 order,
        bool free,
        uint40 expiry,
        string context
    );
    event OrderSplit(uint256 indexed asset, address collector, uint256 amount, uint256 community);
    event FeePaid(uint256 indexed id, address indexed payee, uint256 amount, uint40 validUntil);
    event DataServed(uint256 indexed id, bytes32 data, uint32 size);
    event SampleAgreed(uint256 indexed id);

    error NoSuchOrder(uint256 order);
    error OrderNotPaid(uint256 order);
    error WrongSignature(address signed, address required);
    error WrongToken(address sent, address required);
    error FreeTierUsed(address who, uint256 jobs);
    error TooLongForFree(uint32 minutes_, uint32 max);

    /// @notice Order a job: give up exactly one datatoken of the data, one of the algorithm, and pay the provider's fee.
    /// @param o what is wanted
    /// @return id the new job's number
    function startOrder(Order calldata o) external returns (uint256 id) {
        id = _start(o, jobs, false);
        bought[msg.sender] = true;
        _take(o.asset, rules.holdsPrice);
        if (o.algorithm != 0) _take(o.algorithm, false);
        if (rules.holdsPrice) {
            Asset storage asset = assetOf[o.asset];
            asset.reserve -= asset.price;
            (_jobs[id].price, _jobs[id].held) = (asset.price, asset.price);
        }
        _hold(id, rules.auditFee);
        _charge(id, o);
    }

    /// @notice Order a job for an order that one has: no datatoken, but the provider's fee again. Where prices are held,
    /// the first job must be over and its price the publisher's: one that may go back pays for nothing else.
    /// @param order the job's number that the datatoken was given up for
    /// @param o what is wanted
    /// @return id the new job's number
    function reuseOrder(uint256 order, Order calldata o) external returns (uint256 id) {
        if (rules.storesOrders) {
            Job storage first = _jobs[order];
            bool mine = first.consumer == msg.sender && first.asset == o.asset && first.order == order && !first.free;
            if (!mine) revert NoSuchOrder(order);
            if (rules.holdsPrice && !first.paid) revert OrderNotPaid(order);
            _before(uint256(first.expiry) - rules.lockWindow - rules.jobSeconds + rules.orderSeconds);
        }
        id = _start(o, order, false);
        _hold(id, rules.auditFee);
        _charge(id, o);
    }

    /// @notice Order a job in the free tier: a minute at most, few of them, without a datatoken, a lock or a bill.
    /// @param o what is wanted
    /// @return id the new job's number
    function startFree(Order calldata o) external returns (uint256 id) {
        bool may = freeUsed[msg.sender] < rules.freeJobs && (bought[msg.sender] || !rules.freeForBuyers);
        if (!may) revert FreeTierUsed(msg.sender, freeUsed[msg.sender]);
        if (o.minutes_ > FREE_MINUTES) revert TooLongForFree(o.minutes_, FREE_MINUTES);
        freeUsed[msg.sender]++;
        id = _start(o, jobs, true);
    }

    /// @notice Commit to the data of a job and to the size of their sample. By the asset's publisher; a job in the free
    /// tier waits for nobody.
    /// @param id the job's number
    /// @param data SHA-256 of the data that the provider will be given
    /// @param size of the sample, items
    function serve(uint256 id, bytes32 data, uint32 size) external {
        Job storage job = _paid(id, State.ORDERED, State.ORDERED);
        _ofPublisher(job.asset);
        _before(job.due);
        (job.state, job.data, job.size) = (State.SERVED, data, size);
        emit DataServed(id, data, size);
    }

    /// @notice Agree to the sample of the data. By the consumer; who does not has its money back after the window.
    /// @param id the job's number
    function agree(uint256 id) external {
        Job storage job = _inState(id, State.SERVED);
        _only(job.consumer);
        job.state = State.AGREED;
        emit SampleAgreed(id);
    }

    /// @notice What a provider signs to ask for a fee.
    /// @param o the order, whose fee needs no signature yet
    /// @param consumer whose order it is
    /// @return the hash to be signed: of the fee alone, or of all that it is for
    function feeDigest(Order calldata o, address consumer) public view returns (bytes32) {
        ProviderFee calldata fee = o.fee;
        if (!rules.bindsFees) {
            bytes memory packed = abi.encodePacked(fee.data, fee.payee, fee.token, fee.amount, fee.validUntil);
            return MessageHashUtils.toEthSignedMessageHash(keccak256(packed));
        }
        bytes32 domain = keccak256(abi.encode(DOMAIN, keccak256("Ocean"), block.chainid, address(this)));
        bytes memory whom = abi.encode(FEE, consumer, o.asset, o.minutes_, nonces[consumer]);
        bytes memory what = abi.encode(fee.payee, fee.token, fee.amount, fee.validUntil, keccak256(fee.data));
        return MessageHashUtils.toTypedDataHash(domain, keccak256(bytes.concat(whom, what)));
    }

    function _start(Order calldata o, uint256 order, bool free) private returns (uint256 id) {
        _trusts(o.asset, o.algorithm);
        if (assetOf[o.asset].datatoken == address(0)) revert NoSuchAsset(o.asset);
        id = jobs++;
        assetOf[o.asset].orders++;
        Job storage job = _jobs[id];
        (job.consumer, job.provider, job.state, job.free) = (msg.sender, o.provider, State.ORDERED, free);
        (job.asset, job.algorithm, job.order, job.minutes_) = (o.asset, o.algorithm, order, o.minutes_);
        job.rate = nodeOf[o.provider].rate;
        job.due = uint40(block.timestamp + rules.lockWindow);
        job.expiry = job.due + rules.jobSeconds;
        if (free) job.due = job.expiry;
        _announce(id, job, o);
    }

    function _announce(uint256 id, Job storage job, Order calldata o) private {
        (uint256 order, bool free, uint40 expiry) = (job.order, job.free, job.expiry);
        emit OrderStarted(id, o.asset, msg.sender, o.algorithm, o.raw, o.provider, order, free, expiry, o.context);
    }

    /// @dev Exactly one datatoken: the community's part of it, and the rest to whoever published the asset; or, where its
    /// price is held and will be parted in their place, none of it is left.
    function _take(uint256 asset, bool burns) private {
        Datatoken datatoken = Datatoken(assetOf[asset].datatoken);
        address collector = nft.publisherOf(asset);
        uint256 community = rules.consumeFee;
        emit OrderSplit(asset, collector, ONE - community, community);
        if (burns) return datatoken.burn(msg.sender, ONE);
        datatoken.take(msg.sender, address(this), community);
        datatoken.take(msg.sender, collector, ONE - community);
    }

    /// @dev The provider's fee, if it signed that. How long it is valid is read only where fees are bound.
    function _charge(uint256 id, Order calldata o) private {
        ProviderFee calldata fee = o.fee;
        address required = nodeOf[fee.payee].signer;
        address signed = ECDSA.recover(feeDigest(o, msg.sender), fee.v, fee.r, fee.s);
        if (signed != required) revert WrongSignature(signed, required);
        if (fee.token != address(token)) revert WrongToken(fee.token, address(token));
        if (rules.bindsFees) {
            _before(fee.validUntil);
            if (fee.payee != o.provider) revert WrongSignature(fee.payee, o.provider);
            nonces[msg.sender]++;
        }
        emit FeePaid(id, fee.payee, fee.amount, fee.validUntil);
        _hold(id, fee.amount);
        _pay(id, fee.payee, fee.amount, Cause.REWARD);
    }
}
