"""Completion for bash, zsh and fish: the scripts that `tick completion` prints, and the answers to them.

At each Tab, a script runs `tick` with the line up to the cursor in `_TICK_LINE`, and with the whole line in
`_TICK_WHOLE`. `tick` prints one offer per line: its type, its value and a description, separated by tabs.

Click's own scripts don't show descriptions in bash, need `compinit` in zsh, and cut descriptions at a comma in fish.
None of them completes a `tick` that isn't on PATH, or a value after `--option=`.
"""

from __future__ import annotations

import os
import re
from typing import ClassVar, Final

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string

_MARK: Final = "x"
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

# Bash inserts the common start of all candidates, and lists them after the second Tab. So descriptions can be part of
# the candidates if at least two candidates have different values.
_BASH: Final = r"""# Completion of `tick` for bash 3.2 and newer.
_tick_completion() {
    local tick=${1/#\~/$HOME} kind value about width=0 columns=${COLUMNS:-80} index
    local -a values abouts
    COMPREPLY=()
    [[ -x $tick || $(type -t -- "$tick") == file ]] || tick=tick
    while IFS=$'\t' read -r kind value about; do
        case $kind in
            file) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$2")); return ;;
            dir) compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "$2")); return ;;
            plain)
                values+=("$value"); abouts+=("$about")
                (( ${#value} > width )) && width=${#value} ;;
        esac
    done <<< "$(_TICK_COMPLETE=bash_complete _TICK_LINE="${COMP_LINE:0:COMP_POINT}" _TICK_WHOLE="$COMP_LINE" \
        "$tick" 2>/dev/null)"
    if (( ${#values[@]} == 1 )) || [[ $COMP_TYPE == 37 || $COMP_TYPE == 42 ]]; then
        COMPREPLY=(${values[@]+"${values[@]}"})
        return
    fi
    for (( index = 0; index < ${#values[@]}; index++ )); do
        value=${values[index]} about=${abouts[index]}
        if [[ $about ]]; then
            printf -v value "%-${width}s  %s" "$value" "$about"
            value=${value:0:columns-2}
        fi
        COMPREPLY+=("$value")
    done
}
complete -o nosort -F _tick_completion tick 2>/dev/null || complete -F _tick_completion tick
"""

_ZSH: Final = r"""#compdef tick
# Completion of `tick` for zsh.
_tick_completion() {
    local tick=${(Q)words[1]} kind value about
    local -i width=0 index
    local -a values abouts shown layout
    tick=${tick/#\~/$HOME}
    [[ -x $tick ]] || (( $+commands[$tick] )) || tick=tick
    local before="${(j: :)words[1,CURRENT-1]} $PREFIX" whole="${(j: :)words}"
    [[ $PREFIX == --*=* ]] && compset -P '*='
    while IFS=$'\t' read -r kind value about; do
        case $kind in
            file) _path_files -f; return ;;
            dir) _path_files -/; return ;;
            plain)
                values+=("$value") abouts+=("$about")
                (( $#value > width )) && width=$#value
                [[ -n $about ]] && layout=(-l) ;;
        esac
    done < <(_TICK_COMPLETE=zsh_complete _TICK_LINE="$before" _TICK_WHOLE="$whole" "$tick" 2>/dev/null)
    for (( index = 1; index <= $#values; index++ )); do
        shown[index]=$values[index]
        [[ -n $abouts[index] ]] && shown[index]="${(r:width:)values[index]} -- $abouts[index]"
        shown[index]=${shown[index][1,COLUMNS-1]}
    done
    # Not `_describe`: it sorts the values, and the newest line has to be the first.
    compadd -V tick $layout -d shown -a values
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _tick_completion "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _tick_completion tick
fi
"""

_FISH: Final = r"""# Completion of `tick` for fish.
function __tick_completion
    set -l tick (commandline -opc)[1]
    set tick (string replace -r '^~' $HOME -- $tick)
    if not command -q $tick; and not test -x $tick
        set tick tick
    end
    set -l before (commandline -cp | string join ' ')
    set -l whole (commandline -p | string join ' ')
    for offer in (env _TICK_COMPLETE=fish_complete _TICK_LINE="$before" _TICK_WHOLE="$whole" $tick 2>/dev/null)
        set -l parts (string split -m 2 \t -- $offer)
        switch $parts[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
            case plain
                printf '%s\t%s\n' $parts[2] "$parts[3]"
        end
    end
end
complete --command tick --no-files --keep-order --arguments '(__tick_completion)'
"""


class _Shell(ShellComplete):
    """The parts that all scripts share."""

    script: ClassVar[str]

    def source(self) -> str:
        return self.script

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the complete arguments before the cursor, and the incomplete one."""
        # The mark keeps the last word if it is empty, and if its quotes are open.
        *words, last = split_arg_string(os.environ.get("_TICK_LINE", "") + _MARK)
        return words[1:], last.removesuffix(_MARK)

    def format_completion(self, item: CompletionItem[object]) -> str:
        about = _CONTROLS.sub(" ", item.help or "")
        return f"{item.type}\t{item.value}\t{about}"


class Bash(_Shell):
    name = "bash"
    script = _BASH


class Zsh(_Shell):
    name = "zsh"
    script = _ZSH


class Fish(_Shell):
    """Completes whole words: after `--option=`, an offer includes the option."""

    name = "fish"
    script = _FISH

    def format_completion(self, item: CompletionItem[object]) -> str:
        _, incomplete = self.get_completion_args()
        option, equals, _ = incomplete.partition("=")
        if equals and option.startswith("--") and item.type == "plain":
            item = CompletionItem(f"{option}={item.value}", help=item.help)
        return super().format_completion(item)


def edition_on_the_line() -> str | None:
    """Return the edition that the typed line names, also after the cursor, or None."""
    words = split_arg_string(os.environ.get("_TICK_WHOLE", ""))
    for index, word in enumerate(words):
        if word in ("-e", "--edition") and index + 1 < len(words):
            return words[index + 1]
        if match := re.fullmatch(r"(?:--edition=|-e=?)(.+)", word):
            return match[1]
    return None


SCRIPTS: Final = {each.name: each.script for each in (Bash, Zsh, Fish)}


def register() -> None:
    """Make click use these classes in place of its own."""
    for each in (Bash, Zsh, Fish):
        add_completion_class(each)
