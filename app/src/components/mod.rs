//! The parts of the page.

mod api_chooser;
mod button;
mod error_alert;
mod expiry_row;
mod frame;
mod greeting;
pub mod icons;
mod result_block;
mod token_row;
mod token_table;

pub use api_chooser::ApiChooser;
pub use button::Button;
pub use error_alert::ErrorAlert;
pub use expiry_row::ExpiryRow;
pub use frame::{PageFooter, PageHeader};
pub use greeting::Greeting;
pub use result_block::ResultBlock;
pub use token_row::{Toggle, TokenRow};
pub use token_table::TokenTable;
