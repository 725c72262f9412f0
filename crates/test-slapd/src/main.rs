//! An OpenLDAP for tests that are not in Rust. Its arguments are people, as `NAME:PASSWORD`. It
//! prints its URL, does what each line of its standard input says, and prints `done` after each:
//!
//! - `set NAME ATTRIBUTE VALUE` changes the entry of a person;
//! - `must-change NAME` makes the person change the password first;
//! - `stop` ends the server as a crash does, and `start` starts it again.
//!
//! It ends with its standard input.

use std::io;

use test_slapd::{BASE, TestSlapd, person};

fn main() -> io::Result<()> {
    let people = std::env::args().skip(1).filter_map(|argument| {
        argument.split_once(':').map(|(name, password)| person(name, password))
    });
    let mut slapd = TestSlapd::start(&people.collect::<String>());
    println!("ldap://127.0.0.1:{}", slapd.port());
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<_> = line.splitn(4, ' ').collect();
        let dn = |name: &str| format!("uid={name},ou=people,{BASE}");
        match words[..] {
            ["set", name, attribute, value] => slapd.set(&dn(name), attribute, value),
            ["must-change", name] => slapd.must_change(&dn(name)),
            ["stop"] => slapd.stop(),
            ["start"] => slapd.start_again(),
            _ => return Err(io::Error::other(format!("there is no such command: {line}"))),
        }
        println!("done");
    }
    Ok(())
}
