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
{{- $heap := include "sluice.heapMiB" $root }}
{{- if or $heap $root.Values.extraEnv }}
env:
  {{- if $heap }}
  - name: NODE_OPTIONS
    # Without the second, V8's young generation might take 192 MiB beside the heap that is asked for; so 48.
    value: --max-old-space-size={{ $heap }} --max-semi-space-size=16
  {{- end }}
  {{- with $root.Values.extraEnv }}
  {{- tpl (toYaml .) $root | nindent 2 }}
  {{- end }}
{{- end }}
ports:
  - name: {{ .public }}
    containerPort: {{ include "sluice.publicPort" $root }}
    protocol: TCP
  - name: {{ .admin }}
    containerPort: {{ include "sluice.adminPort" $root }}
    protocol: TCP
startupProbe:
  httpGet: {path: /healthz, port: {{ .admin }}}
  {{- toYaml $root.Values.probes.startup | nindent 2 }}
livenessProbe:
  httpGet: {path: /healthz, port: {{ .admin }}}
  {{- toYaml $root.Values.probes.liveness | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: {{ .admin }}}
  {{- toYaml $root.Values.probes.readiness | nindent 2 }}
resources:
  {{- toYaml $root.Values.resources | nindent 2 }}
securityContext:
  {{- toYaml $root.Values.securityContext | nindent 2 }}
volumeMounts:
  # Directories, not files: a ConfigMap that is mounted as a file never changes.
  - {name: sluice-listener, mountPath: /etc/sluice/listener, readOnly: true}
  - {name: sluice-limits, mountPath: /etc/sluice/limits, readOnly: true}
  - {name: sluice-admin, mountPath: /etc/sluice/admin, readOnly: true}
  {{- if $root.Values.tls.existingSecret }}
  - {name: sluice-tls, mountPath: /etc/sluice/tls, readOnly: true}
  {{- end }}
  {{- with $root.Values.extraVolumeMounts }}
  {{- tpl (toYaml .) $root | nindent 2 }}
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
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{/* What rolls the pods: the settings that are read once. */}}
{{- define "sluice.checksums" -}}
checksum/listener: {{ include "sluice.listenerConfig" . | sha256sum }}
{{- end }}
