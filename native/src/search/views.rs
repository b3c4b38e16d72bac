//! Answers that are asked for again only when what they depend on has changed.

use super::machine::{Machine, Place};
use revm::primitives::{Address, Bytes, U256};
use std::collections::HashSet;

/// A call that leaves no trace, and all that it was ever seen to depend on.
pub struct View {
    to: Address,
    data: Bytes,
    words: HashSet<(Address, U256)>,
    clock: bool,
    funds: bool,
}

impl View {
    pub fn new(to: Address, data: Bytes) -> Self {
        Self { to, data, words: HashSet::new(), clock: false, funds: false }
    }

    /// Whether the answer may be another one after these changes.
    pub fn may_change(&self, changes: &[Place], time_passed: bool) -> bool {
        (self.clock && time_passed)
            || changes.iter().any(|(address, slot)| match slot {
                Some(slot) => self.words.contains(&(*address, *slot)),
                None => self.funds,
            })
    }

    /// The answer; none if it fails.
    pub fn ask(&mut self, machine: &mut Machine<'_>) -> Option<Bytes> {
        let (answer, words) = machine.ask(self.to, &self.data);
        self.words.extend(words);
        self.clock |= machine.watch().clock;
        self.funds |= machine.watch().funds;
        answer
    }
}

/// The first word of an answer; 0 where there is none.
pub fn word(answer: Option<&Bytes>) -> U256 {
    answer.and_then(|answer| answer.get(..32)).map_or(U256::ZERO, U256::from_be_slice)
}
