//! How often a host is asked for what strangers say that it publishes. Anybody can name any host,
//! so that each has a limit for a minute, however many addresses are made up on it.
//!
//! Hosts can be made up, too: nobody needs to own a name in order to write it down. So the hosts of
//! one zone have a share together (ADR 56). The hosts of a zone may also be those of many owners
//! who have nothing to do with each other. So a host that was not asked within this minute is asked
//! once beyond the share, up to a bound that is ten times as high. After very many requests within
//! one minute each zone is asked a few times more and not its whole share. No number of zones keeps
//! another one from being asked at all.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use url::{Host, Url};

use crate::model::{time::Timestamp, zone::zone_of_host};

/// How many zones are counted. The one that was counted first makes room for a further one.
const MOST_ZONES: usize = 10_000;
/// How many hosts' shares the hosts of one zone have together.
const SHARES_OF_A_ZONE: u32 = 4;
/// After how many hosts' shares a zone is not even asked for a further host.
const SHARES_FOR_NEW_HOSTS: u32 = 40;
/// After how many hosts' shares in all each zone is asked [`FEW`] times only.
const SHARES_OF_ALL: u32 = 300;
/// How often each zone is asked then.
const FEW: u32 = 2;

/// Counts requests by their hosts.
#[derive(Debug)]
pub(crate) struct HostLimit {
    most: u32,
    asked: Mutex<Asked>,
}

/// What was asked within the present minute.
#[derive(Debug, Default)]
struct Asked {
    minute: i64,
    times: u32,
    zones: HashMap<String, AskedZone>,
    /// The zones in the order in which they came.
    order: VecDeque<String>,
}

/// One zone.
#[derive(Debug, Default)]
struct AskedZone {
    times: u32,
    hosts: HashMap<String, u32>,
}

impl HostLimit {
    /// As many requests a minute for each host.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, asked: Mutex::default() }
    }

    /// Whether the host of this address may be asked now. If so, that is counted.
    pub(crate) fn allows(&self, uri: &str, now: Timestamp) -> bool {
        let url = Url::parse(uri).ok();
        let Some(host) = url.as_ref().and_then(Url::host) else { return false };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.seconds().div_euclid(60);
        if asked.minute != minute {
            *asked = Asked { minute, ..Asked::default() };
        }
        asked.allows(&host, self.most)
    }
}

impl Asked {
    fn allows(&mut self, host: &Host<&str>, most: u32) -> bool {
        let is_much = self.times >= most.saturating_mul(SHARES_OF_ALL);
        let zone = self.zone(zone_of_host(host));
        let host = host.to_string();
        let of_host = zone.hosts.get(&host).copied().unwrap_or_default();
        let shares = if of_host == 0 { SHARES_FOR_NEW_HOSTS } else { SHARES_OF_A_ZONE };
        let share = if is_much { FEW } else { most.saturating_mul(shares) };
        if zone.times >= share || of_host >= most {
            return false;
        }
        zone.hosts.insert(host, of_host + 1);
        zone.times += 1;
        self.times = self.times.saturating_add(1);
        true
    }

    /// The zone of this name. A new one takes the place of the oldest, if there is no other.
    fn zone(&mut self, name: String) -> &mut AskedZone {
        if !self.zones.contains_key(&name) {
            if self.zones.len() >= MOST_ZONES
                && let Some(oldest) = self.order.pop_front()
            {
                self.zones.remove(&oldest);
            }
            self.order.push_back(name.clone());
        }
        self.zones.entry(name).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "https://good.example/";

    #[test]
    fn each_host_has_its_own_minute() {
        let limit = HostLimit::new(2);
        let at = Timestamp::from_seconds;
        assert!(limit.allows("https://one.example/1", at(60)));
        assert!(limit.allows("https://one.example:8443/2", at(119)));
        assert!(!limit.allows("https://one.example/3", at(119)));
        assert!(limit.allows("https://two.example/1", at(119)));
        assert!(limit.allows("https://one.example/3", at(120)));
        assert!(!limit.allows("no address", at(120)));
    }

    #[test]
    fn hosts_of_one_zone_have_one_share_and_take_nothing_from_others() {
        let limit = HostLimit::new(30);
        let now = Timestamp::from_seconds(0);
        let hosts = (0..10_000).map(|number| format!("https://{number}.evil.example/"));
        assert_eq!(hosts.filter(|uri| limit.allows(uri, now)).count(), 1200);
        assert!(limit.allows(GOOD, now));
        let hosts = (0..2500).map(|number| format!("https://[2001:db8:1:{number:x}::1]/"));
        assert_eq!(hosts.filter(|uri| limit.allows(uri, now)).count(), 1200);
    }

    #[test]
    fn made_up_hosts_of_a_zone_do_not_keep_another_host_from_being_asked() {
        let limit = HostLimit::new(30);
        let now = Timestamp::from_seconds(0);
        let made_up = (0..4).flat_map(|host| {
            (0..100).map(move |path| format!("https://made-up-{host}.a.run.app/{path}"))
        });
        assert_eq!(made_up.filter(|uri| limit.allows(uri, now)).count(), 120);
        assert!(limit.allows("https://good.a.run.app/1", now));
        assert!(!limit.allows("https://good.a.run.app/2", now), "the share of the zone is used up");
        assert!(!limit.allows("https://made-up-0.a.run.app/", now));
        // Even a thousand made-up hosts do not.
        let made_up = (4..1004).map(|host| format!("https://made-up-{host}.a.run.app/"));
        assert_eq!(made_up.filter(|uri| limit.allows(uri, now)).count(), 1000);
        assert!(limit.allows("https://another.a.run.app/1", now));
        let made_up = (1004..3000).map(|host| format!("https://made-up-{host}.a.run.app/"));
        assert_eq!(made_up.filter(|uri| limit.allows(uri, now)).count(), 78, "there is a bound");
    }

    #[test]
    fn no_number_of_zones_keeps_another_from_being_asked() {
        let limit = HostLimit::new(30);
        let now = Timestamp::from_seconds(0);
        let of_a_zone = |zone: u32| {
            let names = (0..8).flat_map(move |host| {
                (0..30).map(move |path| format!("https://{host}.zone-{zone}.example/{path}"))
            });
            names.filter(|uri| limit.allows(uri, now)).count()
        };
        let asked: usize = (0..100).map(of_a_zone).sum();
        // Four hosts use up the share of a zone, and four more are asked once each.
        let of_all = 72 * 124 + 72;
        assert_eq!(asked, of_all + 27 * 2, "the shares of all, and then a few of each zone");
        assert!(limit.allows(GOOD, now));
        for zone in 0..MOST_ZONES + 100 {
            assert!(limit.allows(&format!("https://made-up-{zone}.example/"), now));
        }
        assert!(limit.allows(GOOD, now));
        let asked = limit.asked.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((asked.zones.len(), asked.order.len()), (MOST_ZONES, MOST_ZONES));
    }
}
