// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title DataNFT: one for each published asset; who owns it sells access and says what may run on it
contract DataNFT is ERC721 {
    address public immutable hub;

    error NotHub(address who);

    constructor() ERC721("Data NFT", "DATA") {
        hub = msg.sender;
    }

    /// @notice Make an asset's NFT. By the hub.
    /// @param to who published it
    /// @param id the asset's number
    function mint(address to, uint256 id) external {
        if (msg.sender != hub) revert NotHub(msg.sender);
        _mint(to, id);
    }

    /// @notice Who owns an asset.
    /// @param id the asset's number
    /// @return the owner; zero where there is no such asset
    function publisherOf(uint256 id) external view returns (address) {
        return _ownerOf(id);
    }
}
