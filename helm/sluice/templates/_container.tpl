{{/*
The container and its volumes, for the Deployment and for a sidecar.
Takes (dict "root" CONTEXT "public" PORT-NAME "admin" PORT-NAME).
*/}}
{{- define "sluice.container" -}}
{{- $root := .root -}}
name: sluice
image: {{ include "sluice.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: [serve, --config, /etc/sluice/listener/listener.yaml, --config, /etc/sluice/limits/limits.yaml]
{{- with include "sluice.env" $root }}
env: {{- . | nindent 2 }}
{{- end }}
ports:
  - name: {{ .public }}
    containerPort: {{ include "sluice.publicPort" $root }}
    protocol: TCP
  - name: {{ .admin }}
    containerPort: {{ include "sluice.adminPort" $root }}
    protocol: TCP
  {{- $api := dig "routes_api" "address" "" $root.Values.config }}
  {{- if and $api (not (hasPrefix "unix:" $api)) }}
  - name: routes-api
    containerPort: {{ include "sluice.port" $api }}
    protocol: TCP
  {{- end }}
startupProbe:
  httpGet: {path: /healthz, port: {{ .admin }}}
  {{- toYaml $root.Values.probes.startup | nindent 2 }}
livenessProbe:
  httpGet: {path: /healthz, port: {{ .admin }}}
  {{- toYaml $root.Values.probes.liveness | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: {{ .admin }}}
  {{- toYaml $root.Values.probes.readiness | nindent 2 }}
{{- with $root.Values.lifecycle }}
lifecycle: {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- with $root.Values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.securityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts: {{- include "sluice.volumeMounts" $root | nindent 2 }}
{{- end }}

{{/* A NODE_OPTIONS of the user's replaces the chart's. */}}
{{- define "sluice.env" -}}
{{- $own := list }}
{{- range .Values.extraEnv }}{{ $own = append $own .name }}{{ end }}
{{- $heap := include "sluice.heapMiB" . }}
{{- if and $heap (not (has "NODE_OPTIONS" $own)) }}
- name: NODE_OPTIONS
  # Without the second, V8's young generation might take 192 MiB beside the heap that is asked for; so 24. Without the
  # third, four helpers of V8's share the core with Sluice, and messages wait for them.
  value: --max-old-space-size={{ $heap }} --max-semi-space-size=8 --v8-pool-size=1
{{- end }}
{{- with .Values.extraEnv }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{/* Directories, not files: a ConfigMap that is mounted as a file never changes. */}}
{{- define "sluice.volumeMounts" -}}
- {name: sluice-listener, mountPath: /etc/sluice/listener, readOnly: true}
- {name: sluice-limits, mountPath: /etc/sluice/limits, readOnly: true}
- {name: sluice-admin, mountPath: /etc/sluice/admin, readOnly: true}
{{- if .Values.tls.existingSecret }}
- {name: sluice-tls, mountPath: /etc/sluice/tls, readOnly: true}
{{- end }}
{{- range $i, $name := .Values.tls.additionalSecrets }}
- {name: sluice-tls-{{ $i }}, mountPath: /etc/sluice/certificates/{{ $name }}, readOnly: true}
{{- end }}
{{- if include "sluice.clientAuthorities" . }}
- {name: sluice-clients, mountPath: /etc/sluice/clients, readOnly: true}
{{- end }}
{{- range $i, $name := .Values.auth.existingSecrets }}
- {name: sluice-auth-secret-{{ $i }}, mountPath: /etc/sluice/auth/{{ $name }}, readOnly: true}
{{- end }}
{{- range $i, $name := .Values.auth.existingConfigMaps }}
- {name: sluice-auth-config-{{ $i }}, mountPath: /etc/sluice/auth/{{ $name }}, readOnly: true}
{{- end }}
{{- if .Values.quotas.existingSecret }}
- {name: sluice-quotas, mountPath: /etc/sluice/quotas, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "sluice.volumes" -}}
- name: sluice-listener
  configMap: {name: {{ include "sluice.fullname" . }}-listener}
- name: sluice-limits
  configMap: {name: {{ include "sluice.fullname" . }}-limits}
- name: sluice-admin
  secret:
    secretName: {{ include "sluice.adminSecret" . }}
    items: [{key: {{ empty .Values.admin.existingSecret | ternary "token" .Values.admin.existingSecretKey }}, path: token}]
{{- with .Values.tls.existingSecret }}
- name: sluice-tls
  secret: {secretName: {{ . }}}
{{- end }}
{{- range $i, $name := .Values.tls.additionalSecrets }}
- name: sluice-tls-{{ $i }}
  secret: {secretName: {{ $name }}}
{{- end }}
{{- with .Values.tls.clientCertificates }}
{{- if .existingConfigMap }}
- name: sluice-clients
  configMap: {name: {{ .existingConfigMap }}}
{{- else if .existingSecret }}
- name: sluice-clients
  secret: {secretName: {{ .existingSecret }}}
{{- end }}
{{- end }}
{{- range $i, $name := .Values.auth.existingSecrets }}
- name: sluice-auth-secret-{{ $i }}
  secret: {secretName: {{ $name }}}
{{- end }}
{{- range $i, $name := .Values.auth.existingConfigMaps }}
- name: sluice-auth-config-{{ $i }}
  configMap: {name: {{ $name }}}
{{- end }}
{{- with .Values.quotas.existingSecret }}
- name: sluice-quotas
  secret: {secretName: {{ . }}, items: [{key: {{ $.Values.quotas.existingSecretKey }}, path: password}]}
{{- end }}
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{/* The pod's own fields that every pod of the release has: the gateway's, the check's and the test's. */}}
{{- define "sluice.podSecurityContext" -}}
{{- $context := deepCopy (default dict .Values.podSecurityContext) }}
{{- with .Values.tcpWmem }}
{{- $_ := set $context "sysctls" (append (default list $context.sysctls) (dict "name" "net.ipv4.tcp_wmem" "value" .)) }}
{{- end }}
{{- with $context }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What rolls the pods: the settings that are read once. */}}
{{- define "sluice.checksums" -}}
{{- $api := omit (default dict .Values.config.routes_api) "templates" }}
checksum/listener: {{ print (include "sluice.listenerConfig" .) (ternary (toJson $api) "" (not (empty $api))) | sha256sum }}
{{- end }}

{{/*
The pod of a hook: Sluice's image once, without a restart. Takes (dict "root" CONTEXT "resources" …), and is completed by the
caller with containers and volumes.
*/}}
{{- define "sluice.hookPod" -}}
{{- $root := .root -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- /* A ServiceAccount of the chart's own is not there before the installation. */}}
{{- if not $root.Values.serviceAccount.create }}
{{- with $root.Values.serviceAccount.name }}
serviceAccountName: {{ . }}
{{- end }}
{{- end }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.podSecurityContext }}
securityContext: {{- omit . "sysctls" | toYaml | nindent 2 }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
