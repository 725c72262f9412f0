//! `doorward user invite`.

use doorward_admin::{AdminRole, ChangeEvent};
use doorward_provider::{
    model::{
        account_settings::Registration,
        email::EmailAddress,
        group::GroupName,
        time::{SystemClock, SystemEntropy},
    },
    use_case::accounts::{Invitation, Invitations, InviteError},
};
use serde_json::{Map, Value, json};

use super::{
    super::{CommandContext, CommandError, DataArguments, by_operator, done, list_option::values},
    profile,
};

/// The longest life of an invitation in days.
const LONGEST: u32 = 365;
/// The languages that mails are written in.
const LANGUAGES: [&str; 2] = ["en", "de"];

/// Whom to invite.
#[derive(Debug, clap::Args)]
#[group(id = "invitation")]
pub struct Invite {
    /// The e-mail address of the account.
    email: String,
    /// The full name, which the invited person may change.
    #[arg(long)]
    name: Option<String>,
    /// The roles of the account, between commas.
    #[arg(long = "role", value_name = "ROLES")]
    roles: Vec<String>,
    /// Groups that are there, whose member the user will be, between commas.
    #[arg(long = "group", value_name = "GROUPS")]
    groups: Vec<String>,
    /// After how many days the invitation expires.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    expires: u32,
    /// The language of the mail: en or de.
    #[arg(long, default_value = "en")]
    language: String,
    /// Send no mail, and print the link for you to pass on. You then vouch for the address.
    #[arg(long)]
    print_link: bool,
    #[command(flatten)]
    pub(in super::super) data: DataArguments,
}

impl Invite {
    /// Invites somebody, whose account has these claims, too.
    pub(in super::super) async fn run(
        &self,
        claims: Map<String, Value>,
    ) -> Result<(), CommandError> {
        let context = CommandContext::open(&self.data).await?;
        let mut invitation = self.invitation(&context)?;
        invitation.claims.extend(claims);
        let given = json!({"claims": invitation.claims, "groups": invitation.groups});
        let issuer = &context.config.provider.settings.issuer;
        let master = context.master_key().await?;
        let invitations = Invitations {
            users: &*context.store,
            tickets: &*context.store,
            groups: &*context.store,
            master: &master,
            issuer,
            clock: &SystemClock,
            entropy: &SystemEntropy,
        };
        let link = invitations.invite(invitation).await;
        let link = link.map_err(|error| match error {
            InviteError::Store(error) => error.into(),
            InviteError::NoGroup(_) | InviteError::TooManyGroups => CommandError::refused(error),
            other => CommandError::Missing(other.to_string()),
        })?;
        let record = by_operator(ChangeEvent::UserInvited).on("email", &self.email);
        context.audit(record.changing(None, Some(given))).await;
        self.tell(context.json, self.print_link.then_some(link).as_deref());
        Ok(())
    }

    /// Says that somebody is invited, with the link if it is to be passed on.
    pub(in super::super) fn tell(&self, json: bool, link: Option<&str>) {
        let text = match link {
            Some(link) => format!("Pass this link on to {}: {link}", self.email),
            None => format!("An invitation is on its way to {}.", self.email),
        };
        done(json, &text, json!({"email": self.email, "link": link}));
    }

    /// The same as the admin API takes it.
    pub(in super::super) fn body(&self, admin_role: Option<AdminRole>) -> Value {
        json!({
            "email": self.email, "name": self.name, "roles": values(&self.roles),
            "groups": values(&self.groups), "admin_role": admin_role.map(AdminRole::name),
            "days": self.expires, "language": self.language, "show_link": self.print_link,
        })
    }

    fn invitation(&self, context: &CommandContext) -> Result<Invitation, CommandError> {
        if context.config.provider.settings.accounts.registration == Registration::Off {
            return Err(CommandError::refused(
                "invitations are not taken: set accounts.registration = \"invitation\" first",
            ));
        }
        if !self.print_link && !context.config.provider.settings.accounts.mail {
            return Err(CommandError::refused(
                "mail can't be sent: set [mail] up, or give --print-link and pass the link on",
            ));
        }
        let email = EmailAddress::parse(&self.email).map_err(CommandError::refused)?;
        if self.expires == 0 || self.expires > LONGEST {
            return Err(CommandError::refused(format!("--expires is 1 to {LONGEST} days")));
        }
        if !LANGUAGES.contains(&self.language.as_str()) {
            return Err(CommandError::refused("--language is en or de"));
        }
        let mut claims = Map::new();
        profile::set_list(&mut claims, "role", values(&self.roles));
        let groups = values(&self.groups).into_iter().map(|name| {
            GroupName::parse(&name).map_err(|_| CommandError::refused(InviteError::NoGroup(name)))
        });
        let groups = groups.collect::<Result<_, _>>()?;
        Ok(Invitation {
            email,
            name: self.name.clone(),
            claims,
            groups,
            lifetime: self.expires * 86_400,
            language: (!self.print_link).then(|| self.language.clone()),
        })
    }
}
