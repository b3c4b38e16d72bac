//! What a search brings home.

use super::plan::Step;
use revm::primitives::{Address, Bytes, U256};
use std::collections::BTreeMap;

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Harvest {
    /// Steps that were executed.
    pub calls: u64,
    /// What looks wrong, each thing once.
    pub suspects: Vec<Suspect>,
    /// Sequences that reached something new, oldest first.
    pub interesting: Vec<Vec<Step>>,
    /// How each function of the plan fared, and last the puppet's `arm`.
    pub usage: Vec<Usage>,
    /// How often each function failed with which revert data; empty data is a halt too.
    pub reverts: BTreeMap<(usize, Bytes), u64>,
    /// The most that an account (its place) gained in an asset (0 is wei, then the tokens).
    pub gains: BTreeMap<(usize, usize), Gain>,
    /// Jumps seen.
    pub edges: usize,
}

/// Something that looks wrong, and the steps that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// What.
    pub failure: Failure,
    /// How to get there.
    pub steps: Vec<Step>,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// A property, by its place, is broken.
    Property(usize),
    /// A contract's code fails an assertion at a place in it, in a call of a function.
    Assertion {
        /// Whose storage the code works on.
        contract: Address,
        /// Where in the code.
        place: usize,
        /// The function's place, if it is one of the plan's.
        function: Option<usize>,
    },
    /// A contract says in an event that an assertion failed.
    Alarm {
        /// Who says so.
        contract: Address,
        /// The event's data.
        message: Bytes,
        /// The function's place, if it is one of the plan's.
        function: Option<usize>,
    },
}

/// How a function fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls of it.
    pub calls: u64,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Lowest, sum and highest gas of those.
    pub gas: [u64; 3],
}

/// The most that an account gained, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gain {
    /// In the asset's smallest unit.
    pub amount: U256,
    /// How.
    pub steps: Vec<Step>,
}

impl Usage {
    /// Count a call.
    pub fn count(&mut self, succeeded: bool, gas: u64) {
        self.calls += 1;
        if succeeded {
            let [low, sum, high] = self.gas;
            self.gas = [if self.succeeded == 0 { gas } else { low.min(gas) }, sum + gas, high.max(gas)];
            self.succeeded += 1;
        }
    }
}
