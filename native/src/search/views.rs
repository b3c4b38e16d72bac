//! Answers that are asked for again only when what they depend on has changed.

use super::machine::{Machine, Place};
use revm::primitives::{Address, Bytes, HashMap, U256};

/// Calls that leave no trace, each by its place, and all that each was ever seen to depend on.
#[derive(Default)]
pub struct Views {
    views: Vec<View>,
    by_word: HashMap<(Address, U256), Vec<usize>>,
}

struct View {
    to: Address,
    data: Bytes,
    clock: bool,
    funds: bool,
    retired: bool,
}

impl Views {
    /// Add one.
    pub fn add(&mut self, to: Address, data: Bytes) {
        self.views.push(View { to, data, clock: false, funds: false, retired: false });
    }

    /// Never ask for one again.
    pub fn retire(&mut self, place: usize) {
        if let Some(view) = self.views.get_mut(place) {
            view.retired = true;
        }
    }

    /// Those whose answers may be others after these changes, in order.
    pub fn stale(&self, changes: &[Place], time_passed: bool) -> Vec<usize> {
        let paid = changes.iter().any(|(_, slot)| slot.is_none());
        let words = changes.iter().filter_map(|(address, slot)| self.by_word.get(&(*address, (*slot)?)));
        let mut stale: Vec<usize> = words.flatten().copied().collect();
        let around = |view: &View| (view.clock && time_passed) || (view.funds && paid);
        stale.extend(self.views.iter().enumerate().filter(|(_, view)| around(view)).map(|(place, _)| place));
        stale.sort_unstable();
        stale.dedup();
        stale.retain(|place| self.views.get(*place).is_some_and(|view| !view.retired));
        stale
    }

    /// The answer of one; none if it fails.
    pub fn ask(&mut self, place: usize, machine: &mut Machine<'_>) -> Option<Bytes> {
        let view = self.views.get_mut(place)?;
        let (answer, words) = machine.ask(view.to, &view.data);
        view.clock |= machine.watch().clock;
        view.funds |= machine.watch().funds;
        for word in words {
            let readers = self.by_word.entry(word).or_default();
            if !readers.contains(&place) {
                readers.push(place);
            }
        }
        answer
    }
}

/// The first word of an answer; 0 where there is none.
pub fn word(answer: Option<&Bytes>) -> U256 {
    answer.and_then(|answer| answer.get(..32)).map_or(U256::ZERO, U256::from_be_slice)
}
