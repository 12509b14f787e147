/** The few fields of Kubernetes objects that the suites look at. */

/** What every object has. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
  };
}

/** A container as its pod declares it. */
export interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
}

/** A pod. */
export interface Pod extends KubernetesObject {
  readonly spec: { readonly nodeName: string; readonly containers: readonly Container[] };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** A deployment. */
export interface Deployment extends KubernetesObject {
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: Pod['spec'] } };
  readonly status: { readonly readyReplicas?: number; readonly availableReplicas?: number };
}

/** A service. */
export interface Service extends KubernetesObject {
  readonly spec: { readonly ports: readonly { readonly name: string; readonly port: number }[] };
}

/** A part of a service's endpoints. */
export interface EndpointSlice extends KubernetesObject {
  readonly endpoints: readonly { readonly conditions: { readonly ready: boolean } }[] | null;
  readonly ports: readonly { readonly name: string; readonly port: number }[] | null;
}

/** Whether a pod takes traffic. */
export function isReady(pod: Pod): boolean {
  return (pod.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}
