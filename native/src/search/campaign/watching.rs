//! Steps: what each did, what of it is new, and what looks wrong.

use super::{Call, Came, Campaign, Failure, Gain, JUMPS, REVERTS, Ran, SAMPLE, Status, Step, Suspect, U256, Way, word};

impl Campaign<'_> {
    /// Execute a step, watch it, and keep what it changes unless it fails.
    pub(super) fn play(&mut self, call: Option<Call>, step: &Step) -> Came {
        self.harvest.calls += 1;
        let ran = self.machine.play(step);
        let function = call.as_ref().map(|call| self.target(call));
        self.count(function, &ran);
        self.learn(&ran);
        let new = self.novel() | self.sites.nearer(&self.machine.watch().compared);
        let mut broken = self.alarmed(&ran, function, step);
        let before = (self.here, self.tail.len());
        let changed = !ran.changes.is_empty();
        if changed {
            let stale = self.views.stale(&ran.changes, step.wait > 0);
            self.machine.keep(ran);
            self.tail.push(step.clone());
            broken |= self.check(&stale);
            self.weigh(&stale);
        }
        let tried = new || (self.rng.below(SAMPLE) == 0 && call.is_some());
        if tried && !broken {
            self.save(call, step, before, changed, new);
        }
        match (broken, changed) {
            (true, _) => Came::Broken,
            (_, true) => Came::Changed,
            _ => Came::Nothing,
        }
    }

    /// What a call counts for: its function, or, at the end, the preparation of one.
    pub(super) fn target(&self, call: &Call) -> usize {
        if matches!(call.way, Way::Arm(_)) { self.plan.functions.len() } else { call.function }
    }

    pub(super) fn count(&mut self, function: Option<usize>, ran: &Ran) {
        let Some(function) = function else { return };
        let receipt = &ran.receipt;
        if let Some(usage) = self.harvest.usage.get_mut(function) {
            usage.count(receipt.status == Status::Success, receipt.gas);
        }
        if matches!(receipt.status, Status::Reverted | Status::Halted) {
            let (kinds, longest) = REVERTS;
            let data = receipt.output.slice(..receipt.output.len().min(longest));
            let known = self.harvest.reverts.len();
            match self.harvest.reverts.get_mut(&(function, data.clone())) {
                Some(count) => *count += 1,
                None if known < kinds => drop(self.harvest.reverts.insert((function, data), 1)),
                None => {}
            }
        }
    }

    pub(super) fn learn(&mut self, ran: &Ran) {
        if ran.receipt.status == Status::Success {
            self.values.saw_all(&ran.receipt.output);
            for log in &ran.receipt.logs {
                log.data.topics().iter().skip(1).for_each(|topic| self.values.saw((*topic).into()));
                self.values.saw_all(&log.data.data);
            }
        }
        self.values.now = ran.clock.now;
    }

    /// Whether the last execution went where none went before.
    pub(super) fn novel(&mut self) -> bool {
        let mut new = false;
        for (place, class) in self.machine.watch().seen() {
            if let Some(seen) = self.seen.get_mut(place)
                && *seen & class == 0
            {
                self.harvest.edges += usize::from(place < JUMPS && *seen == 0);
                *seen |= class;
                new = true;
            }
        }
        new
    }

    /// Whether an assertion failed.
    pub(super) fn alarmed(&mut self, ran: &Ran, function: Option<usize>, step: &Step) -> bool {
        let mut failures = Vec::new();
        if let Some((contract, place)) = self.machine.watch().failed {
            failures.push(Failure::Assertion { contract, place, function });
        }
        for log in &ran.receipt.logs {
            if log.data.topics().first().is_some_and(|topic| self.plan.alarms.contains(topic)) {
                failures.push(Failure::Alarm { contract: log.address, message: log.data.data.clone(), function });
            }
        }
        for failure in &failures {
            self.suspect(failure.clone(), Some(step));
        }
        !failures.is_empty()
    }

    /// Whether one of these properties is broken.
    pub(super) fn check(&mut self, stale: &[usize]) -> bool {
        let mut broken = false;
        for place in stale.iter().copied().filter(|place| *place < self.plan.properties.len()) {
            if !self.holds(place) {
                broken = true;
                self.suspect(Failure::Property(place), None);
            }
        }
        broken
    }

    pub(super) fn holds(&mut self, place: usize) -> bool {
        let boolean = self.plan.properties.get(place).is_some_and(|property| property.boolean);
        let answer = self.views.ask(place, &mut self.machine);
        answer.is_some() && (!boolean || word(answer.as_ref()) == U256::ONE)
    }

    /// Note what looks wrong, once; `last` is a step that is not part of the path.
    pub(super) fn suspect(&mut self, failure: Failure, last: Option<&Step>) {
        if self.broken.insert(failure.clone()) {
            let steps = self.path().into_iter().chain(last.cloned()).collect();
            self.harvest.suspects.push(Suspect { failure, steps });
        }
    }

    /// Weigh what everybody holds: wei, and what of these views are balances of tokens. Note the best gains.
    pub(super) fn weigh(&mut self, stale: &[usize]) {
        let plan = self.plan;
        let puppet = plan.puppet.map(|(puppet, _)| puppet);
        let holders = plan.accounts.len() + usize::from(puppet.is_some());
        self.worth.resize(holders * (1 + plan.tokens.len()), U256::ZERO);
        for (held, holder) in self.worth.iter_mut().zip(plan.accounts.iter().copied().chain(puppet)) {
            *held = self.machine.account(holder).balance;
        }
        for place in stale {
            if let Some(held) = place.checked_sub(plan.properties.len()).and_then(|at| self.worth.get_mut(holders + at))
            {
                *held = word(self.views.ask(*place, &mut self.machine).as_ref());
            }
        }
        if !self.nodes.is_empty() {
            self.compare();
        }
    }

    /// Note gains beyond the best so far; the attacker has what the puppet has.
    pub(super) fn compare(&mut self) {
        let accounts = self.plan.accounts.len();
        let holders = accounts + usize::from(self.plan.puppet.is_some());
        for asset in 0..=self.plan.tokens.len() {
            for account in 0..accounts {
                let total = |worth: &[U256]| {
                    let held = |holder: usize| worth.get(asset * holders + holder).copied().unwrap_or_default();
                    let puppet = self.plan.puppet.filter(|(_, attacker)| *attacker == account);
                    held(account).saturating_add(puppet.map_or(U256::ZERO, |_| held(accounts)))
                };
                let begun = self.nodes.first().map_or(U256::ZERO, |node| total(&node.worth));
                let amount = total(&self.worth).saturating_sub(begun);
                let best = self.harvest.gains.get(&(account, asset)).map_or(U256::ZERO, |gain| gain.amount);
                if amount > best {
                    self.harvest.gains.insert((account, asset), Gain { amount, steps: self.path() });
                }
            }
        }
    }
}
