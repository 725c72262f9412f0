//! What users do with their accounts by themselves: registration, invitations, forgotten passwords.

mod confirmation;
pub(crate) mod enumeration;
mod forgotten_password;
mod invitation;
mod registration;
mod sign_in_names;

use doorward_provider::model::{
    account_settings::{AccountSettings, Registration},
    outbox::OutboxMail,
};

use crate::support::{Setup, World};

/// A password that keeps the rules.
const GOOD: &str = "violet kettle marches north";

/// Where anybody may register, and mail is sent.
fn open() -> AccountSettings {
    AccountSettings { mail: true, registration: Registration::Open, ..AccountSettings::default() }
}

async fn world(accounts: AccountSettings) -> World {
    World::with(Setup { accounts, ..Setup::default() }).await
}

/// All mails that wait. They are taken out as if they were sent.
async fn taken(world: &World) -> Vec<OutboxMail> {
    let mails = world.mails().await;
    for mail in &mails {
        world.store().mail_sent(&mail.id).await.unwrap();
    }
    mails
}

/// The path and query of the link in a mail.
fn link(mail: &OutboxMail) -> String {
    let url = url::Url::parse(mail.data["link"].as_str().unwrap()).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}
