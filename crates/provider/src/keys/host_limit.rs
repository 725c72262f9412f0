//! How often a host is asked for what strangers say that it publishes. Anybody can name any host,
//! so that each has a limit for a minute, however many addresses are made up on it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use url::Url;

use crate::model::time::Timestamp;

/// How many hosts are counted. No others are asked within the same minute.
const MOST_HOSTS: usize = 10_000;

/// Counts requests by their hosts.
#[derive(Debug)]
pub(crate) struct HostLimit {
    most: u32,
    asked: Mutex<AskedHosts>,
}

/// How often hosts were asked within the present minute.
#[derive(Debug, Default)]
struct AskedHosts {
    minute: i64,
    times: HashMap<String, u32>,
}

impl HostLimit {
    /// As many requests a minute for each host.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, asked: Mutex::default() }
    }

    /// Whether the host of this address may be asked now. If so, that is counted.
    pub(crate) fn allows(&self, uri: &str, now: Timestamp) -> bool {
        let url = Url::parse(uri).ok();
        let Some(host) = url.as_ref().and_then(Url::host_str) else { return false };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.seconds().div_euclid(60);
        if asked.minute != minute {
            *asked = AskedHosts { minute, times: HashMap::new() };
        }
        if asked.times.len() >= MOST_HOSTS && !asked.times.contains_key(host) {
            return false;
        }
        let times = asked.times.entry(host.to_owned()).or_default();
        *times = times.saturating_add(1);
        *times <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn only_so_many_hosts_are_asked() {
        let limit = HostLimit::new(2);
        let now = Timestamp::from_seconds(0);
        for number in 0..MOST_HOSTS {
            assert!(limit.allows(&format!("https://{number}.example/"), now));
        }
        assert!(!limit.allows("https://one-more.example/", now));
        assert!(limit.allows("https://0.example/", now));
    }
}
