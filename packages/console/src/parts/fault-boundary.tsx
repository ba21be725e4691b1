/** Catches a fault of a page, or a page that could not be loaded, so that the others can still be gone to. */
import { Component, type ReactNode } from 'react';
import { ErrorView } from './error-view.tsx';

export interface FaultBoundaryProps {
  /** Of what is shown: another one begins without the fault. */
  readonly place: string;
  readonly children: ReactNode;
}

interface Fault {
  readonly error: unknown;
  readonly place: string;
}

export class FaultBoundary extends Component<FaultBoundaryProps, { readonly fault: Fault | undefined }> {
  override state: { readonly fault: Fault | undefined } = { fault: undefined };

  override componentDidCatch(error: unknown): void {
    this.setState({ fault: { error, place: this.props.place } });
  }

  static getDerivedStateFromError(): object {
    return {};
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (fault === undefined || fault.place !== this.props.place) return this.props.children;
    return <ErrorView error={fault.error} onRetry={() => location.reload()} />;
  }
}
