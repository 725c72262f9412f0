//! The command line.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{
    app::EmbeddedSite,
    command::{
        CommandError, DataCommand,
        branding::BrandingCommand,
        config::ConfigCommand,
        doctor::DoctorArguments,
        health::HealthArguments,
        remote::{not_from_elsewhere, on_server},
    },
    config::{ConfigArgument, ServeArguments},
    output::print,
    remote::{self, ServerArgument, ServerUrl},
    serve,
};

/// Sign-in for web applications: an OpenID provider, a browser client and a protected API.
///
/// Exit codes: 0 if the command succeeded; 1 if what it names is not there, or a check failed; 2 if
/// the arguments, the configuration or the database can't be used.
#[derive(Debug, Parser)]
#[command(name = "doorward", version)]
pub struct Cli {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// The server, if it is elsewhere.
    #[command(flatten)]
    pub server: ServerArgument,
    /// Default: `serve` in demo mode, which is how `cargo leptos watch` starts the binary.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the provider, the API and the application. Without a configuration file they run in
    /// demo mode, for this machine only.
    Serve(ServeArguments),
    /// Check the configuration, or show it.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at the pages and messages as they will be, or write their texts.
    #[command(subcommand)]
    Branding(BrandingCommand),
    /// Sign in at a server elsewhere, for commands with --server: in a browser, by two factors.
    Login,
    /// Sign out of a server elsewhere.
    Logout,
    /// Ask a running server whether it is ready.
    Health(HealthArguments),
    /// Look for what commonly goes wrong. Nothing is changed.
    Doctor(DoctorArguments),
    /// Write a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual page.
    Man,
    /// Write the version.
    Version,
    /// Commands on the database. They also work while a server runs.
    #[command(flatten)]
    Data(DataCommand),
}

impl Cli {
    /// Runs the command to its end. `site` is for `serve`.
    pub fn run(self, site: &'static EmbeddedSite) -> Result<(), CommandError> {
        let serve_all =
            || Command::Serve(ServeArguments { config: self.config, ..ServeArguments::default() });
        let command = self.command.unwrap_or_else(serve_all);
        if let Some(server) = &self.server.server {
            return command.run_on(server);
        }
        match command {
            Command::Login | Command::Logout => {
                Err(CommandError::refused("give the server: --server https://id.example.com"))
            }
            Command::Serve(arguments) => Ok(serve::run(&arguments, site)?),
            Command::Config(command) => command.run(),
            Command::Branding(command) => command.run(),
            Command::Health(arguments) => arguments.run(),
            Command::Doctor(arguments) => arguments.run(),
            Command::Completions { shell } => {
                completions(shell);
                Ok(())
            }
            Command::Man => manual(),
            Command::Version => {
                print(concat!("doorward ", env!("CARGO_PKG_VERSION"), "\n"));
                Ok(())
            }
            Command::Data(command) => command.run(),
        }
    }
}

impl Command {
    /// Runs the command on a server elsewhere.
    fn run_on(self, server: &ServerUrl) -> Result<(), CommandError> {
        match self {
            Self::Login => on_server(remote::login(server)),
            Self::Logout => on_server(remote::logout(server)),
            Self::Config(command) => command.run_on(server),
            Self::Data(command) => command.run_on(server),
            _ => Err(not_from_elsewhere()),
        }
    }
}

fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "doorward", &mut script);
    print(&String::from_utf8_lossy(&script));
}

/// One page for the command and each of its subcommands.
fn manual() -> Result<(), CommandError> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    render(&command, &mut page)?;
    print(&String::from_utf8_lossy(&page));
    Ok(())
}

fn render(command: &clap::Command, page: &mut Vec<u8>) -> Result<(), CommandError> {
    clap_mangen::Man::new(command.clone()).render(page)?;
    for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
        render(subcommand, page)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_everything_is_served() {
        let Ok(cli) = Cli::try_parse_from(["doorward"]) else { panic!("no command is needed") };
        assert!(cli.command.is_none());
        assert_eq!(ServeArguments::default().roles, Role::ALL);
    }

    #[test]
    fn the_configuration_may_be_named_before_the_command_and_after_it() {
        for words in [
            ["doorward", "--config", "a.toml", "user", "list"],
            ["doorward", "user", "--config", "a.toml", "list"],
            ["doorward", "user", "list", "--config", "a.toml"],
        ] {
            let Ok(cli) = Cli::try_parse_from(words) else { panic!("{words:?}") };
            let shown = format!("{:?}", cli.command);
            assert!(shown.contains("a.toml"), "{shown}");
        }
    }
}
