//! Values to commit to, and the digests that commit to them.

use super::rng::Rng;
use alloy_dyn_abi::{DynSolType, DynSolValue};
use revm::primitives::{Address, B256, FixedBytes, U256, hex, keccak256};
use sha2::{Digest, Sha256};

/// Secrets that are known at a time.
const KNOWN: usize = 16;

/// A number, a salt and who knows them, and a digest of some of these.
#[derive(Clone, Copy, Debug, Default)]
pub struct Secret {
    number: U256,
    salt: B256,
    /// Whose it is.
    pub holder: Address,
    digest: B256,
}

/// The secrets of late.
#[derive(Default)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Make up a secret around a number.
    pub fn invent(&mut self, rng: &mut Rng, number: U256, holder: Address) {
        let salt = B256::from(if rng.percent(50) { U256::from(rng.below(4)) } else { rng.word(256) });
        let mut secret = Secret { number, salt, holder, digest: B256::ZERO };
        let (number, who) = (number.to_be_bytes::<32>(), holder.into_word());
        let (number, salt, holder, who) = (number.as_slice(), salt.as_slice(), holder.as_slice(), who.as_slice());
        let data = match rng.below(8) {
            0 => number.to_vec(),
            1 => salt.to_vec(),
            2 => [number, salt].concat(),
            3 => [salt, number].concat(),
            4 => [number, salt, holder].concat(),
            5 => [number, salt, who].concat(),
            6 => [holder, number, salt].concat(),
            _ => [who, number, salt].concat(),
        };
        secret.digest = if rng.percent(50) { keccak256(&data) } else { B256::from_slice(&Sha256::digest(&data)) };
        if self.0.len() >= KNOWN {
            self.0.remove(0);
        }
        self.0.push(secret);
    }

    /// One that is known.
    pub fn pick(&self, rng: &mut Rng) -> Option<Secret> {
        rng.pick(&self.0).copied()
    }
}

impl Secret {
    /// What of it fits a type: to commit, the digest; to open, the number or the salt.
    pub fn value(&self, kind: &DynSolType, opens: bool) -> Option<DynSolValue> {
        let word = if opens { self.salt } else { self.digest };
        Some(match kind {
            DynSolType::Uint(256) => DynSolValue::Uint(self.number, 256),
            DynSolType::FixedBytes(32) => DynSolValue::FixedBytes(FixedBytes(word.0), 32),
            DynSolType::Bytes => DynSolValue::Bytes(word.to_vec()),
            DynSolType::String => DynSolValue::String(hex::encode(word)),
            _ => return None,
        })
    }
}
