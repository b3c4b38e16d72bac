//! Comparisons that always came out the same way, and the calls that reach them: effort is shared out among those, so
//! that a hundred calls that reach one of them do not hide the one that reaches another.

use super::rng::Rng;
use super::steer::Sites;
use super::watch::Compared;
use revm::primitives::HashMap;

/// Calls that are kept of those that reach a comparison: the youngest.
const REACHING: usize = 8;

#[derive(Default)]
pub struct Frontier {
    fronts: Vec<Front>,
    places: HashMap<u64, usize>,
}

struct Front {
    site: u64,
    seeds: Vec<usize>,
    picks: usize,
}

impl Frontier {
    /// Note that a call reaches these comparisons.
    pub fn reached(&mut self, sites: &mut Sites, compared: &[Compared], seed: usize) {
        for each in compared.iter().filter(|each| sites.open(each.site)) {
            let place = *self.places.entry(each.site).or_insert_with(|| {
                self.fronts.push(Front { site: each.site, seeds: Vec::new(), picks: 0 });
                self.fronts.len() - 1
            });
            let Some(front) = self.fronts.get_mut(place) else { continue };
            if front.seeds.last() != Some(&seed) {
                if front.seeds.len() >= REACHING {
                    front.seeds.remove(0);
                }
                front.seeds.push(seed);
            }
        }
    }

    /// A call that reaches a comparison which few were picked for, of three that are drawn.
    pub fn pick(&mut self, sites: &mut Sites, rng: &mut Rng) -> Option<usize> {
        let drawn = [rng.below(self.fronts.len()), rng.below(self.fronts.len()), rng.below(self.fronts.len())];
        let place = drawn.into_iter().min_by_key(|place| self.fronts.get(*place).map(|front| front.picks))?;
        let front = self.fronts.get_mut(place)?;
        if sites.open(front.site) {
            front.picks += 1;
            return rng.pick(&front.seeds).copied();
        }
        let done = self.fronts.swap_remove(place);
        self.places.remove(&done.site);
        if let Some(moved) = self.fronts.get(place) {
            self.places.insert(moved.site, place);
        }
        None
    }
}
