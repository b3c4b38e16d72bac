// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {EvensAndOdds} from "../EvensAndOdds.sol";

contract EvensAndOddsWithProperties is EvensAndOdds {
    function invariant_holdsStakesAndWinnings() external view {
        require(address(this).balance == atStake + won, "stakes and winnings are not what is held");
    }

    function invariant_openGamesAreAtStake() external view returns (bool) {
        uint256 open;
        for (uint256 id = 0; id < games.length; id++) {
            if (!games[id].over) open += games[id].stake * (games[id].second == address(0) ? 1 : 2);
        }
        return open == atStake;
    }
}
