// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Doors that open to who knows the key: nothing but luck or a search that looks inside finds one.
contract Doors {
    event AssertionFailed(string message);

    mapping(address => bytes32) public sealedBy;
    mapping(address => uint256) public owed;
    string private _text;
    uint256 private _all;
    uint64 public immutable opens = uint64(block.timestamp + 100_003);

    /// @notice Numbers in nested conditions.
    function maze(uint64 a, uint64 b, int64 c) external pure {
        if (a == 0x1234567890abcdef) {
            if (b > a + 77 && b < a + 80) {
                if (c == -987_654_321) assert(false);
            }
        }
    }

    /// @notice A commitment.
    function seal(bytes32 digest) external {
        sealedBy[msg.sender] = digest;
    }

    /// @notice It is opened with what it is of.
    function unseal(uint64 value, bytes32 salt) external {
        require(sealedBy[msg.sender] != 0, "nothing is sealed");
        require(keccak256(abi.encodePacked(value, salt, msg.sender)) == sealedBy[msg.sender], "another secret");
        emit AssertionFailed("unsealed");
    }

    /// @notice A text.
    function pledge(string calldata text) external {
        _text = text;
    }

    /// @notice The text is the digest of something, in hex.
    function fulfil(bytes32 secret) external {
        require(bytes(_text).length != 0, "nothing is pledged");
        string memory hexed = _hex(sha256(abi.encodePacked(secret)));
        require(keccak256(bytes(hexed)) == keccak256(bytes(_text)), "another text");
        emit AssertionFailed("fulfilled");
    }

    /// @notice A moment, neither earlier nor later than ten seconds.
    function pass() external {
        require(block.timestamp >= opens, "too early");
        require(block.timestamp < opens + 10, "too late");
        emit AssertionFailed("passed");
    }

    /// @notice Wei, exactly.
    function pay() external payable {
        if (msg.value == 0.123456789 ether) emit AssertionFailed("paid");
    }

    function deposit() external payable {
        owed[msg.sender] += msg.value;
        _all += msg.value;
    }

    /// @notice It pays before it notes that it did.
    function withdraw() external {
        uint256 amount = owed[msg.sender];
        (bool success,) = msg.sender.call{value: amount}("");
        require(success, "not paid");
        _all -= owed[msg.sender];
        owed[msg.sender] = 0;
    }

    /// @notice What is owed is there, as long as nobody withdraws twice.
    function invariant_solvent() external view returns (bool) {
        return address(this).balance >= _all;
    }

    function _hex(bytes32 word) private pure returns (string memory) {
        bytes memory digits = "0123456789abcdef";
        bytes memory text = new bytes(64);
        for (uint256 i = 0; i < 32; i++) {
            text[2 * i] = digits[uint8(word[i]) >> 4];
            text[2 * i + 1] = digits[uint8(word[i]) & 15];
        }
        return string(text);
    }
}
