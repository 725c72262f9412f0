//! Ports of loopback that a test keeps while its servers start, stop and start again.
//!
//! A port that was free a moment ago is no longer free when another test asks for any port, or when
//! the operating system gives it to a connection. So these ports are below those that the operating
//! system gives away by itself. Each is held by a UDP socket, which leaves it free for TCP: of two
//! tests that look for a port at the same time, each finds its own.
//!
//! ```
//! let port = test_ports::ReservedPort::new();
//! assert!(std::net::TcpStream::connect(port.address()).is_err(), "nobody listens there");
//! let listener = std::net::TcpListener::bind(port.address());
//! assert!(listener.is_ok());
//! ```
#![allow(clippy::unwrap_used)]

use std::{
    hash::{BuildHasher as _, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
};

/// The first port that is tried for.
const FIRST: u16 = 20_000;
/// How many are tried. Linux gives ports from 32,768 on to connections.
const COUNT: u16 = 12_000;

/// A port of 127.0.0.1 that no other test uses until this is dropped.
#[derive(Debug)]
pub struct ReservedPort {
    /// Of the same number.
    held: UdpSocket,
}

impl ReservedPort {
    /// A port on which nobody listens.
    ///
    /// # Panics
    /// If every port is taken.
    #[allow(clippy::new_without_default, reason = "two of them are never the same")]
    pub fn new() -> Self {
        // Each `RandomState` has keys of its own.
        let start = u16::try_from(RandomState::new().hash_one(()) % u64::from(COUNT)).unwrap();
        let held = (0..COUNT)
            .map(|step| FIRST + (start + step) % COUNT)
            .find_map(|number| {
                let address = (Ipv4Addr::LOCALHOST, number);
                let held = UdpSocket::bind(address).ok()?;
                TcpListener::bind(address).ok().map(|_| held)
            })
            .unwrap_or_else(|| panic!("none of {COUNT} ports from {FIRST} on is free"));
        Self { held }
    }

    /// Where it is.
    ///
    /// # Panics
    /// Never: the socket is bound.
    pub fn address(&self) -> SocketAddr {
        self.held.local_addr().unwrap()
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.address().port()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_a_port_that_is_reserved() {
        let ports: Vec<_> = (0..200).map(|_| ReservedPort::new()).collect();
        let mut numbers: Vec<_> = ports.iter().map(ReservedPort::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ports.len());
    }

    #[test]
    fn a_server_may_come_and_go_on_it() {
        let port = ReservedPort::new();
        for _ in 0..2 {
            let listener = TcpListener::bind(port.address()).unwrap();
            assert_eq!(listener.local_addr().unwrap(), port.address());
        }
    }
}
