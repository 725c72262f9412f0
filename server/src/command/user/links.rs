//! `doorward user links`, `doorward user link` and `doorward user unlink`: the accounts at other
//! providers by which a user signs in.

use doorward_admin::ChangeEvent;
use doorward_provider::{
    model::{
        external_identity::StoredIdentity,
        time::{SystemClock, SystemEntropy, Timestamp},
        user::User,
    },
    store::{IdentityRemoval, RemovedIdentity},
    use_case::administration::links::{LinkError, NamedAccount, OperatorLinks},
};
use serde_json::{Value, json};

use super::super::{CommandContext, CommandError, RowPrinter, by_operator, done};

/// The columns of a list.
pub(in super::super) const COLUMNS: &[&str] =
    &["provider", "subject", "name", "since", "last_used", "issuer"];

/// Prints the links of a user, the oldest first.
pub async fn list(context: &CommandContext, user: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let links = context.store.external_identities(&user.sub).await?;
    printer.print_page(&links.iter().map(described).collect::<Vec<_>>());
    printer.finish();
    Ok(())
}

/// A link as lists show it.
pub(super) fn described(link: &StoredIdentity) -> Value {
    json!({
        "provider": link.provider,
        "subject": link.id.subject,
        "name": link.shown,
        "since": link.created_at.seconds(),
        "last_used": link.used_at.map(Timestamp::seconds),
        "issuer": link.id.issuer,
        "claims": link.mapped,
    })
}

/// Links a user.
pub async fn link(
    context: &CommandContext,
    user: &str,
    account: NamedAccount<'_>,
) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let master = context.mail_key().await?;
    let vouching = context.vouching().await?;
    let links = OperatorLinks {
        identities: &*context.store,
        accounts: &context.config.provider.settings.accounts,
        vouching: &vouching,
        master: master.as_ref(),
        clock: &SystemClock,
        entropy: &SystemEntropy,
    };
    links.link(&user, account).await.map_err(|error| match error {
        LinkError::Store(error) => error.into(),
        LinkError::WasLinked | LinkError::Taken | LinkError::TooMany | LinkError::NoUser => {
            CommandError::Missing(format!("it is not linked: {error}"))
        }
        other => CommandError::refused(other),
    })?;
    context.audit(by_operator(ChangeEvent::UserLinked).on_user(&user.sub)).await;
    tell_linked(context.json, &user, account.provider, account.subject);
    Ok(())
}

/// Removes a link of a user.
pub async fn unlink(
    context: &CommandContext,
    user: &str,
    provider: &str,
    subject: Option<&str>,
) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let links = context.store.external_identities(&user.sub).await?;
    let is_meant = |link: &&StoredIdentity| {
        link.provider.as_str() == provider
            && subject.is_none_or(|subject| link.id.subject.as_str() == subject)
    };
    let link = only(&user, links.iter().filter(is_meant))?;
    let vouching = context.vouching().await?;
    let master = context.mail_key().await?;
    let notices = context.notices(master.as_ref()).of_unlink(&user, vouching.called(link))?;
    let now = CommandContext::now();
    let (sub, id) = (user.sub.clone(), link.id.clone());
    let providers = vouching.ways_in();
    // An operator may unlink so that the address finds the account again.
    let removal = IdentityRemoval { sub, id, providers, by_user: false };
    let removed = context.store.remove_external_identity(removal, notices, now).await?;
    match removed {
        RemovedIdentity::Removed => {}
        RemovedIdentity::Unknown => {
            return Err(CommandError::Missing("the link is gone already".to_owned()));
        }
        RemovedIdentity::LastWayIn => {
            let problem = format!(
                "without this link the user could not sign in any more: set a password first, by \
                 doorward user passwd {}",
                user.username
            );
            return Err(CommandError::refused(problem));
        }
    }
    context.audit(by_operator(ChangeEvent::UserUnlinked).on_user(&user.sub)).await;
    tell_unlinked(context.json, &user, provider, &link.id.subject);
    Ok(())
}

/// The only one of the links that are meant.
pub(in super::super) fn only<T>(
    user: &User,
    mut meant: impl Iterator<Item = T>,
) -> Result<T, CommandError> {
    let Some(link) = meant.next() else {
        let problem = format!(
            "the user {} has no such link: doorward user links {} shows those that there are",
            user.username, user.username
        );
        return Err(CommandError::Missing(problem));
    };
    if meant.next().is_some() {
        let problem = "the user has several links with this provider: name the subject, too";
        return Err(CommandError::refused(problem));
    }
    Ok(link)
}

/// Says that a user is linked.
pub(in super::super) fn tell_linked(json: bool, user: &User, provider: &str, subject: &str) {
    let sentence = format!("The user {} signs in by {subject} at {provider}.", user.username);
    done(json, &sentence, facts(user, provider, subject));
}

/// Says that a link is removed.
pub(in super::super) fn tell_unlinked(json: bool, user: &User, provider: &str, subject: &str) {
    let sentence = format!("The user {} has no link with {provider} any more.", user.username);
    done(json, &sentence, facts(user, provider, subject));
}

fn facts(user: &User, provider: &str, subject: &str) -> Value {
    json!({
        "username": user.username, "sub": user.sub, "provider": provider, "subject": subject,
    })
}
