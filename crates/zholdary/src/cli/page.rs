//! The page `docs/commands.md`: what `--help` says, command by command. It is made from the definitions of the command line, so what
//! it says is what is asked for at a terminal. `just commands` writes it anew.

use std::{fmt::Write as _, fs, path::Path};

use clap::{Command, CommandFactory};

use super::Cli;

/// Set, it makes the test write the page instead of comparing it.
const REWRITE: &str = "ZHOLDARY_WRITE_COMMANDS";

/// Columns of a line, whatever the terminal.
const WIDTH: usize = 100;

const BEGINNING: &str = "# Commands

<!-- Made from `zholdary --help` by `just commands`; a test fails when it is not what the binary says. Do not edit. -->

Every command exits non-zero when it fails, prints its result to standard output and everything else to standard error. `zholdary …`
stands for `cargo run --release -- …` in a checkout.
";

/// Lines end at the same column everywhere, and no value of somebody's environment is shown.
fn plain(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let command = command.term_width(WIDTH).mut_args(|arg| arg.hide_env_values(true));
    names.iter().fold(command, |command, name| command.mut_subcommand(name, plain))
}

fn section(page: &mut String, command: &mut Command, path: &str, depth: usize) {
    let path = if path.is_empty() {
        command.get_name().to_owned()
    } else {
        format!("{path} {}", command.get_name())
    };
    let help = command.render_long_help().to_string();
    let marks = "#".repeat(depth);
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(page, "\n{marks} {path}\n\n```text\n{}\n```\n", lines.join("\n").trim());
    for command in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        section(page, command, &path, depth.max(2) + usize::from(path.contains(' ')));
    }
}

fn page() -> String {
    let mut command = plain(Cli::command());
    command.build();
    let mut page = BEGINNING.to_owned();
    section(&mut page, &mut command, "", 2);
    page
}

#[test]
fn the_page_of_commands_is_what_the_binary_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    if std::env::var_os(REWRITE).is_some() {
        fs::write(&file, page()).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page(),
        "docs/commands.md is not what the commands say: `just commands` writes it anew"
    );
}
