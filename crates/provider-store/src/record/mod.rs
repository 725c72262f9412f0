//! Entities as rows: what is written to the columns of a table, and how they are read back.

pub(crate) mod audit;
mod json_cache;
pub(crate) mod read;
pub(crate) mod write;

pub(crate) use self::write::{ClientRow, GrantRow, MailRow, NoticesRow, UserRow, encode_answer};
