//! The world of the tests: a provider, an application, and browsers.

mod browser;
mod provider;
mod world;

pub use self::{
    browser::Browser,
    provider::{Provider, now},
    world::{CLIENT, Kept, ORIGIN, World},
};
