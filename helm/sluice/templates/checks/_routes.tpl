{{/* What Sluice says of routes beside each other (src/config/model/conflicts.ts), and how many a ConfigMap holds. */}}

{{/* One spelling for all patterns of the same paths, a prefix: /a, /a/ and /a/** are equal, and /%61 is /a. */}}
{{- define "sluice.canonicalPath" -}}
{{- $decoded := (urlParse (printf "http://h%s" (regexReplaceAll "%(2[aA])" . "%25${1}"))).path }}
{{- regexReplaceAll "(/[*][*])+(/|$)" $decoded "/**${2}" | trimSuffix "/" | trimSuffix "/**" | default "/" }}
{{- end }}

{{/* What a pattern claims, one line for each host. Takes (dict "hosts" LIST "path" PATH). */}}
{{- define "sluice.patternKeys" -}}
{{- $path := include "sluice.canonicalPath" .path }}
{{- range (default (list "any host ") .hosts) }}{{ lower . }}{{ $path }}{{ "\n" }}{{ end }}
{{- end }}

{{- define "sluice.problems.config" -}}
{{- $facts := include "sluice.facts" . | fromJson }}
{{- $names := dict }}
{{- $owners := dict }}
{{- range $i, $route := .Values.config.routes }}
{{- if hasKey $names .name }}
- config.routes: {{ .name }} is the name of two routes; write another
{{- else }}
{{- $_ := set $names .name $route }}
{{- end }}
{{- $match := default dict .match }}
{{- $hosts := list }}
{{- range $match.hosts }}{{ $hosts = append $hosts (lower .) }}{{ end }}
{{- if lt (len (uniq $hosts)) (len $hosts) }}
- config.routes: {{ .name }} lists a host twice; write it once
{{- end }}
{{- $path := default "/" $match.path }}
{{- $told := false }}
{{- range splitList "\n" (include "sluice.patternKeys" (dict "hosts" (uniq $hosts) "path" $path) | trimSuffix "\n") }}
{{- if and (hasKey $owners .) (not $told) }}
{{- $told = true }}
- config.routes: {{ $route.name }} matches the same requests as {{ get $owners . }}, {{ . }}; write another match.path or match.hosts
{{- else }}
{{- $_ := set $owners . $route.name }}
{{- end }}
{{- end }}
{{- end }}
{{- range $route := .Values.config.routes }}
{{- $taken := get $names (printf "%s%s" .name $facts.roomsSuffix) }}
{{- if and (eq (default "" .preset) "jupyter") $taken }}
{{- $match := default dict .match }}
{{- $rooms := printf "%s%s" (regexReplaceAll "/+$" (default "/" $match.path) "") $facts.roomsPath }}
{{- if eq (include "sluice.canonicalPath" (default "/" $match.path)) "/" }}{{ $rooms = $facts.roomsPath }}{{ end }}
{{- $keys := splitList "\n" (include "sluice.patternKeys" (dict "hosts" (dig "match" "hosts" list $taken) "path" (dig "match" "path" "/" $taken))) }}
{{- $covered := true }}
{{- range splitList "\n" (include "sluice.patternKeys" (dict "hosts" $match.hosts "path" $rooms)) }}
{{- if not (has . $keys) }}{{ $covered = false }}{{ end }}
{{- end }}
{{- if not $covered }}
- config.routes: {{ $taken.name }} is the name of the route that preset jupyter brings with {{ .name }}; write another
{{- end }}
{{- end }}
{{- end }}
{{- $limits := include "sluice.limitsConfig" . }}
{{- $bytes := add (len $limits) (len (include "sluice.listenerConfig" .)) }}
{{- if gt (int $bytes) 1040000 }}
- config takes {{ $bytes }} bytes as YAML, and a ConfigMap holds 1 MiB; write fewer routes: `*` in match.path stands for any one segment
{{- end }}
{{- $values := add 1 (regexFindAll "\n" $limits -1 | len) (regexFindAll "(?m)^ *- [a-z_]+:( |$)" $limits -1 | len) }}
{{- if gt (int $values) (int $facts.mostConfigValues) }}
- config holds more than {{ int $facts.mostConfigValues }} values, and Sluice reads no more; write fewer routes: `*` in match.path stands for any one segment
{{- end }}
{{- end }}
