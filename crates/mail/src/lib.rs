//! The messages that the provider sends by mail: their templates in each language, and what is
//! made from them.
//!
//! Nothing is sent here, and no file is read. [`Templates`] holds ours and those of an operator in
//! their place; [`Templates::render`] makes a [`Message`]. [`DemoMailbox`] keeps messages that are
//! shown instead of sent.

mod brand;
mod kinds;
mod mailbox;
mod message;
mod templates;

pub use self::{
    brand::Brand,
    kinds::{LANGUAGES, MESSAGE_KINDS, MessageKind, TEST_MESSAGE, originals},
    mailbox::{DemoMailbox, KeptMessage},
    message::Message,
    templates::{RenderError, TemplateError, Templates},
};
