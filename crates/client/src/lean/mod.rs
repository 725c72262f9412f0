//! Small replacements for well-known building blocks, because of their size in the browser.
//!
//! A user downloads the client before the sign-in can begin, so its size is measured (`script/bench
//! sizes`). These are the measures that save most. Where the code looks unusual for a Rust program,
//! one of them is the reason:
//!
//! - **[`json`]**: every document is parsed into one map and read member by member. A derived
//!   `Deserialize` generates a parser for each type; together these were half of the client.
//! - **[`url`]**: finds the parts of a URL and no more. A full URL parser is larger than the rest
//!   of the client.
//! - **[`oneshot`] and [`notify`]**: a channel for one value, and a wake-up call, for one thread.
//!   Those of `futures` and `tokio` serve many threads; the channel alone costs 1 KB.
//! - **[`single_flight`]**: shares work among callers without a type parameter. The result is kept
//!   where it belongs (the user store, the metadata), so the code exists once.
//! - **[`Fault`](crate::Fault)**: errors move behind a pointer inside the client. Moving the whole
//!   [`Error`](crate::Error) from function to function was a tenth of the client.
//! - **Boxed futures** at the surface ([`UserManager`](crate::UserManager)): a future type that
//!   other crates can see is compiled again in each of them.
//! - **`[a, b].concat()`** in place of `format!`: formatting code is generated at each call site.
//! - **One exit for many missing members** (`pending`): each early return has its own code to drop
//!   what was read before.
//!
//! Replace one of them only with the numbers of `script/bench sizes` beside it.

pub(crate) mod json;
pub(crate) mod notify;
pub(crate) mod oneshot;
pub(crate) mod single_flight;
pub(crate) mod url;
