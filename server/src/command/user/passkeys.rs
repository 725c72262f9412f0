//! `doorward user passkeys` and `doorward user remove-passkey`: one of several may be lost.

use doorward_admin::ChangeEvent;
use doorward_protocol::base64url;
use doorward_provider::{
    model::{factor::StoredPasskey, time::Timestamp, user::User},
    store::RemovedPasskey,
};
use serde_json::{Value, json};

use super::super::{CommandContext, CommandError, RowPrinter, by_operator, done};

/// The columns of a list.
pub(in super::super) const COLUMNS: &[&str] = &["id", "name", "since", "last_used", "backed_up"];

/// Prints the passkeys of a user, the oldest first.
pub async fn list(context: &CommandContext, user: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let passkeys = context.store.passkeys(&user.sub).await?;
    printer.print_page(&passkeys.iter().map(described).collect::<Vec<_>>());
    printer.finish();
    Ok(())
}

fn described(passkey: &StoredPasskey) -> Value {
    json!({
        "id": base64url::encode(&passkey.credential_id),
        "name": passkey.name,
        "since": passkey.created_at.seconds(),
        "last_used": passkey.used_at.map(Timestamp::seconds),
        "backed_up": passkey.backed_up,
    })
}

/// Removes a passkey of a user.
pub async fn remove(context: &CommandContext, user: &str, id: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let credential_id = base64url::decode(id).map_err(|_| missing(&user))?;
    let found = context.store.passkey(&credential_id).await?;
    let before = found.filter(|own| own.sub == user.sub).ok_or_else(|| missing(&user))?;
    let providers = context.vouching().await?.ways_in();
    let master = context.mail_key().await?;
    let notices = context.notices(master.as_ref()).of_passkey(&user, before.name.clone())?;
    let removed =
        context.store.remove_passkey(&user.sub, &credential_id, &providers, notices).await?;
    match removed {
        RemovedPasskey::Removed => {}
        RemovedPasskey::Unknown => return Err(missing(&user)),
        RemovedPasskey::LastWayIn => {
            let problem = format!(
                "without this passkey the user could not sign in any more: set a password first, \
                 by doorward user passwd {}",
                user.username
            );
            return Err(CommandError::refused(problem));
        }
    }
    let record = by_operator(ChangeEvent::UserPasskeyRemoved).on_user(&user.sub).on("passkey", id);
    context.audit(record.changing(Some(described(&before)), None)).await;
    tell_removed(context.json, &user, id);
    Ok(())
}

fn missing(user: &User) -> CommandError {
    CommandError::Missing(format!(
        "the user {} has no such passkey: doorward user passkeys {} shows those that there are",
        user.username, user.username
    ))
}

/// Says that a passkey is removed.
pub(in super::super) fn tell_removed(json: bool, user: &User, id: &str) {
    let sentence = format!(
        "The passkey is removed. Sessions of {} that began by it go on until they are ended.",
        user.username
    );
    done(json, &sentence, json!({"username": user.username, "sub": user.sub, "id": id}));
}
