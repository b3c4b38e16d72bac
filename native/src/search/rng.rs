//! Pseudo-random numbers that are the same on every machine (`SplitMix64`).

use revm::primitives::U256;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Rng(u64);

/// One round of `SplitMix64`'s mixing: also a hash of one number.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number under `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * u128::try_from(bound).unwrap_or_default();
        usize::try_from(wide >> 64).unwrap_or_default()
    }

    /// True so often in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of some things, if there are any.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        things.get(self.below(things.len()))
    }

    /// A word of so many random bits.
    pub fn word(&mut self, bits: usize) -> U256 {
        let word = U256::from_limbs([self.next(), self.next(), self.next(), self.next()]);
        word.checked_shr(256 - bits.min(256)).unwrap_or_default()
    }
}
