# SPDX-License-Identifier: GPL-2.0-or-later
# offers.zsh bash|bash-alone|zsh DIR: for each line of stdin what the shell,
# with the completion of DIR, shows to somebody who presses tab behind it: all
# that is listed, and a line "line=<LINE>" with the line as it is then. The
# words listed are without what is before the last of : @ =, as bash shows
# them. "bash-alone" is without the library bash-completion.
setopt extended_glob
zmodload zsh/zpty

typeset -A shell begin
shell=(bash 'bash --norc --noprofile -i' zsh 'zsh -f -i')
begin[zsh]="PROMPT= RPROMPT= LISTMAX=1000
	unsetopt list_ambiguous zle_bracketed_paste prompt_sp beep
	fpath=($2 \$fpath); autoload -Uz compinit; compinit -u -D; bindkey -e
	show() { print -r -- \"line=<\$BUFFER>\"; zle send-break }
	zle -N show; bindkey '^T' show"
begin[bash]="PS1=; bind 'set show-all-if-ambiguous on'
	bind 'set completion-display-width 0'; bind 'set bell-style none'
	bind 'set page-completions off'; bind 'set completion-query-items 0'
	bind 'set enable-bracketed-paste off'; . $2/xpci.bash
	show() { echo \"line=<\$READLINE_LINE>\"; READLINE_LINE=; }
	bind -x '\"\\C-t\": show'"
[[ $1 != bash ]] ||
	begin[bash]+="; . /usr/share/bash-completion/bash_completion"

rc=$(mktemp)
print -r -- "stty -echo cols 250; ${begin[${1%-alone}]}" >$rc
TERM=dumb zpty shell ${=shell[${1%-alone}]}
zpty -w shell ". $rc; echo READ''Y"
zpty -r shell out '*READY*'
while IFS= read -r line; do
	zpty -w -n shell $line$'\t\C-t'
	zpty -r shell out '*line=<*>*'
	out=${${out//$'\e['[0-9;?]#[a-zA-Z]/}//[$'\r\b\a']/}
	for row in ${(f)out}; do
		case $row in
		(*line=\<*) print -r -- "line=<${row#*line=<}" ;;
		(*$line*|[[:blank:]]#) ;;
		(*) print -l -- ${${=${row%%  -- *}}##*[:@=]} ;;
		esac
	done
done
zpty -d shell
rm $rc
