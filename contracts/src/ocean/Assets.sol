// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {Asset} from "./OceanTypes.sol";
import {Datatoken} from "./Datatoken.sol";
import {OceanStorage} from "./OceanStorage.sol";
import {Cause} from "../common/Vault.sol";

/// @title Assets: data NFTs, their datatokens, the exchange that sells them and the dispenser that gives them away
abstract contract Assets is OceanStorage {
    event AssetPublished(
        uint256 indexed asset,
        address indexed publisher,
        address datatoken,
        bool algorithm,
        bytes32 checksum,
        uint256 price,
        string metadata
    );
    event TrustChanged(uint256 indexed asset, bytes32[] checksums, address[] publishers);
    event Swapped(uint256 indexed asset, address indexed who, bool bought, uint256 amount, uint256 base, uint256 fee);
    event Dispensed(uint256 indexed asset, address indexed who, uint256 amount);
    event Collected(uint256 indexed asset, address indexed publisher, uint256 amount);

    error NoSuchAsset(uint256 asset);
    error TooExpensive(uint256 base, uint256 max);
    error TooCheap(uint256 base, uint256 min);
    error ReserveTooSmall(uint256 reserve, uint256 wanted);
    error NotDispensed(uint256 asset, uint256 amount, uint256 max);
    error PricesAreHeld();

    /// @notice Publish data or an algorithm: mint its NFT to the caller, and make its datatoken.
    /// @param asset what it is; datatoken, orders and reserve are not the caller's to say
    /// @param metadata where more is said of it
    /// @return id the new asset's number
    function publish(Asset calldata asset, string calldata metadata) external returns (uint256 id) {
        id = ++assets;
        assetOf[id] = asset;
        address datatoken = Clones.clone(datatokenCode);
        (assetOf[id].datatoken, assetOf[id].orders, assetOf[id].reserve) = (datatoken, 0, 0);
        nft.mint(msg.sender, id);
        emit AssetPublished(id, msg.sender, datatoken, asset.algorithm, asset.checksum, asset.price, metadata);
    }

    /// @notice Say which algorithms may run on one's data, in place of any and of what one said before: whatever the last
    /// list leaves out is trusted no more, and an empty list trusts none.
    /// @param asset the asset's number
    /// @param checksums of algorithms that are trusted, SHA-256
    /// @param publishers whose algorithms are trusted, whatever they are
    function setTrusted(uint256 asset, bytes32[] calldata checksums, address[] calldata publishers) external {
        _ofPublisher(asset);
        assetOf[asset].trustAny = false;
        mapping(bytes32 => bool) storage list = _trusted[asset][++_list[asset]];
        for (uint256 i; i < checksums.length; i++) list[checksums[i]] = true;
        for (uint256 i; i < publishers.length; i++) list[_key(publishers[i])] = true;
        emit TrustChanged(asset, checksums, publishers);
    }

    /// @notice Whether an algorithm may run on some data.
    /// @param asset the data's number
    /// @param algorithm the algorithm's, 0 for one that nobody published
    /// @return whether the data's publisher lets it
    function trusts(uint256 asset, uint256 algorithm) public view returns (bool) {
        Asset storage data = assetOf[asset];
        if (algorithm == 0) return data.allowRaw;
        mapping(bytes32 => bool) storage list = _trusted[asset][_list[asset]];
        return data.trustAny || list[assetOf[algorithm].checksum] || list[_key(nft.publisherOf(algorithm))];
    }

    /// @notice Buy datatokens at the fixed price, rounded up, plus the community's fee.
    /// @param asset the asset's number
    /// @param amount datatokens, of 1e18 each
    /// @param maxBase what to pay at most
    function buyDT(uint256 asset, uint256 amount, uint256 maxBase) external {
        Asset storage one = assetOf[asset];
        if (one.price == 0) revert NoSuchAsset(asset);
        uint256 base = (one.price * amount + ONE - 1) / ONE;
        uint256 fee = base * rules.swapFee / ONE;
        if (base + fee > maxBase) revert TooExpensive(base + fee, maxBase);
        one.reserve += base;
        emit Swapped(asset, msg.sender, true, amount, base, fee);
        Datatoken(one.datatoken).mint(msg.sender, amount);
        _deposit(msg.sender, base + fee);
        _retain(NO_JOB, fee, Cause.FEE);
    }

    /// @notice Sell datatokens back at the fixed price, less the community's fee, out of what was paid for them. Where
    /// prices are held, an order burns the datatoken whose price it takes, so that each that is left is worth its price;
    /// else the reserve is the publisher's, to sell back to as to collect.
    /// @param asset the asset's number
    /// @param amount datatokens, of 1e18 each
    /// @param minBase what to get at least
    function sellDT(uint256 asset, uint256 amount, uint256 minBase) external {
        Asset storage one = assetOf[asset];
        uint256 base = one.price * amount / ONE;
        uint256 fee = base * rules.swapFee / ONE;
        if (base > one.reserve) revert ReserveTooSmall(one.reserve, base);
        if (base - fee < minBase) revert TooCheap(base - fee, minBase);
        one.reserve -= base;
        emit Swapped(asset, msg.sender, false, amount, base, fee);
        Datatoken(one.datatoken).burn(msg.sender, amount);
        _retain(NO_JOB, fee, Cause.FEE);
        _credit(NO_JOB, msg.sender, base - fee, Cause.REFUND);
    }

    /// @notice Take what was paid for one's datatokens. By the NFT's owner.
    /// @param asset the asset's number
    function collect(uint256 asset) external {
        _ofPublisher(asset);
        if (rules.holdsPrice) revert PricesAreHeld();
        uint256 amount = assetOf[asset].reserve;
        assetOf[asset].reserve = 0;
        emit Collected(asset, msg.sender, amount);
        _credit(NO_JOB, msg.sender, amount, Cause.REWARD);
    }

    /// @notice Be given datatokens of an asset that is free, within its limits.
    /// @param asset the asset's number
    /// @param amount datatokens, of 1e18 each
    function dispense(uint256 asset, uint256 amount) external {
        Asset storage one = assetOf[asset];
        if (one.datatoken == address(0) || one.price != 0) revert NoSuchAsset(asset);
        if (amount > one.maxTokens) revert NotDispensed(asset, amount, one.maxTokens);
        uint256 has = Datatoken(one.datatoken).balanceOf(msg.sender);
        if (has >= one.maxBalance) revert NotDispensed(asset, has, one.maxBalance);
        emit Dispensed(asset, msg.sender, amount);
        Datatoken(one.datatoken).mint(msg.sender, amount);
    }

    /// @dev A publisher in a list, beside hashes.
    function _key(address publisher) private pure returns (bytes32) {
        return bytes32(uint256(uint160(publisher)));
    }

    function _ofPublisher(uint256 asset) internal view {
        _only(nft.publisherOf(asset));
    }
}
